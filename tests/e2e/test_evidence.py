"""Violations on Kafka become entries of the evidence ledger, once each, though workers are killed on the way."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import msgspec
import pytest

from benchmarks import machine
from benchmarks.ledger import Ledger, Took
from streams.evidence.signing import SigningKey
from tests.e2e.events import event
from tests.e2e.pipeline import Pipeline, pipeline, publish
from tests.e2e.test_workers import children
from tests.servers.kafka import create_topic

PARTITIONS, WORKERS, TENANTS = 4, 2, 3
KEY = "5a" * 32
PUBLIC = SigningKey(KEY).public

WRONG = 10
"""Policies that each of the events violates, at least."""

VIOLATIONS = (
    "SELECT count(), sum(cityHash64(_topic, _incarnation, toInt64(_partition), toInt64(_offset), policy)) FROM"
    " (SELECT DISTINCT _topic, _incarnation, _partition, _offset, policy FROM verdicts"
    " WHERE verdict = 'non_compliant')"
)
ENTRIES = (
    "SELECT count(), sum(cityHash64(JSONExtractString(body, 'record', 'topic'),"
    " JSONExtractString(body, 'record', 'incarnation'), JSONExtractInt(body, 'record', 'partition'),"
    " JSONExtractInt(body, 'record', 'offset'), policy)) FROM evidence FINAL WHERE kind = 'violation'"
)
CHEAP = "SELECT sum(entries) FROM evidence_heads FINAL"
"""How many entries there are, without a look at them."""


def exports(first: int, count: int) -> list[tuple[int, bytes]]:
    """All kinds of personal data go abroad, in the open, for marketing, though nobody consented: ten policies mind."""
    wrong = {"operation": "export", "location": "US", "purpose": "marketing", "encrypted": False, "consent": False}
    wrong |= {"data_categories": ["personal", "special-category", "phi", "cardholder"], "legal_basis": "consent"}
    now = time.time()
    return [
        (
            number % PARTITIONS,
            event("processing", now, service="crm", tenant=f"t{number % TENANTS}", retention_days=10_000, **wrong),
        )
        for number in range(first, first + count)
    ]


class Workers:
    """Those of a pipeline, of which the test kills some; and the most memory that any of them ever had."""

    def __init__(self, running: Pipeline) -> None:
        self.running = running
        self.killed = 0
        self.rss_bytes = 0
        self.events = 0
        self.seconds = 0.0

    def entered(self) -> int:
        """Entries of the ledger; 0 while nobody answers."""
        for worker in self._pids():
            self.rss_bytes = max(self.rss_bytes, peak_bytes(worker))
        return self.running.value(CHEAP) or 0

    def kill(self, which: slice) -> None:
        """SIGKILL, when all of them are there."""
        self.running.wait(lambda: len(self._pids()) == WORKERS, "two workers")
        for worker in self._pids()[which]:
            os.kill(worker, signal.SIGKILL)
            self.killed += 1

    def _pids(self) -> list[int]:
        assert self.running.process is not None
        with suppress(OSError):  # one that is just ending
            return children(self.running.process.pid)
        return []


def peak_bytes(pid: int) -> int:
    """The most memory that a process ever had; 0 when it is no more."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def written(running: Pipeline, events: int, kills: int) -> Workers:
    """Publish so many events, and kill workers so many times while they enter them; until all is in the ledger."""
    topic, workers, each = running.topics["processing"], Workers(running), events // kills
    create_topic(running.bootstrap, topic, PARTITIONS)
    running.start()
    began = time.monotonic()
    for part in range(kills):
        publish(running.bootstrap, topic, exports(part * each, each))
        half = WRONG * each * (2 * part + 1) // 2
        running.wait(lambda half=half: workers.entered() > half, "half of the new entries", 600)
        workers.kill((slice(0, 1), slice(1, 2), slice(None))[part % 3])
    stored, seconds = "SELECT count() FROM raw_processing", 120 + events / 50
    running.wait(lambda: running.value(stored) == each * kills, "all events", seconds)
    running.wait(lambda: workers.entered() > WRONG * each * kills, "all entries", seconds)
    workers.events, workers.seconds = each * kills, time.monotonic() - began
    return workers


@pytest.mark.slow
def test_each_violation_is_in_the_ledger_once_though_workers_are_killed(
    kafka: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    events: int = pytestconfig.getoption("--ledger-events", 6_000)
    (tmp_path / "elsewhere").mkdir()
    file, commands = tmp_path / "elsewhere" / "evidence", dict[str, Took]()
    with pipeline(tmp_path, kafka, signed(tmp_path), partitions=PARTITIONS, workers=WORKERS) as running:
        workers = written(running, events, kills=max(3, events // 10_000))
        running.wait(lambda: running.lag("evidence") == 0, "the ledger to be kept")
        assert list(running.query(ENTRIES)[0].values()) == list(running.query(VIOLATIONS)[0].values())
        running.stop()

        found = timed(commands, "audit verify --json", running.environment)
        assert [(chain["tenant"], chain["ok"]) for chain in found] == [("t0", True), ("t1", True), ("t2", True)]
        timed(commands, f"audit export {file}", running.environment)
        nothing = {"PATH": os.environ["PATH"], "HOME": str(file.parent)}
        assert timed(commands, f"audit verify {file} --key {PUBLIC} --json", nothing) == found
    if result := pytestconfig.getoption("--ledger-result", None):
        Path(result).write_bytes(msgspec.json.format(msgspec.json.encode(described(found, workers, file, commands))))
    assert commands["audit verify"].cpu_seconds < 60, "that is what it takes when nothing else runs"
    with file.open("r+b") as altered:
        altered.seek(file.stat().st_size // 2)
        [old] = altered.read(1)
        altered.seek(-1, os.SEEK_CUR)
        altered.write(bytes([old ^ 1]))
    timed({}, f"audit verify {file} --key {PUBLIC} --json", nothing, status=1)


def signed(directory: Path) -> str:
    """The configuration of a ledger with a key."""
    (directory / "key").touch(0o600)
    (directory / "key").write_text(KEY)
    return f"[evidence]\nkey_file = '{directory}/key'\n"


def timed(commands: dict[str, Took], command: str, environment: dict[str, str], status: int = 0) -> Any:
    """Run a command of tidewatch, elsewhere; what it prints, when that is JSON."""
    began, name = time.monotonic(), " ".join(command.split()[:2]) + (" FILE --key KEY" if "--key" in command else "")
    with TemporaryFile() as out:
        run = subprocess.Popen(
            [sys.executable, "-m", "streams.cli", *command.split()], stdout=out, env=environment, cwd="/"
        )
        _, ended, usage = os.wait4(run.pid, 0)
        assert os.waitstatus_to_exitcode(ended) == status, command
        cpu = usage.ru_utime + usage.ru_stime
        commands[name] = Took(time.monotonic() - began, cpu, usage.ru_maxrss * 1024)
        out.seek(0)
        return json.load(out) if "--json" in command else None


def described(found: list[dict[str, Any]], workers: Workers, file: Path, commands: dict[str, Took]) -> Ledger:
    """The run, for the page of figures."""
    return Ledger(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=machine.this(),
        events=workers.events,
        entries=sum(chain["entries"] for chain in found),
        chains=len(found),
        seals=sum(chain["seals"] for chain in found),
        partitions=PARTITIONS,
        workers=WORKERS,
        sigkills=workers.killed,
        seconds=workers.seconds,
        rss_bytes=workers.rss_bytes,
        export_bytes=file.stat().st_size,
        commands=commands,
    )


@pytest.mark.slow
def test_an_attestation_that_expires_is_evidence_lowers_the_score_and_alerts(kafka: str, tmp_path: Path) -> None:
    with pipeline(tmp_path, kafka, partitions=PARTITIONS) as running:
        running.start()
        until = datetime.fromtimestamp(time.time() + 20, UTC).isoformat(timespec="seconds")
        running.tidewatch("attest", "soc2 CC1.4", "--by", "ann", "--until", until, "--evidence", "https://wiki.example")
        score = "SELECT score_percent FROM compliance_days WHERE control = 'CC1.4' AND day = today()"
        running.wait(lambda: running.value(score) == 100.0, "the attestation")
        running.wait(lambda: running.value(score) == 0.0, "its end")
        running.wait(lambda: bool(running.history("AttestationExpired")), "the alert", 180)

        [alert, *_] = running.history("AttestationExpired")
        assert (alert["labels"]["framework"], alert["labels"]["control"]) == ("soc2", "CC1.4")
        assert running.value("SELECT author FROM attestations") == "ann"
        running.stop()
