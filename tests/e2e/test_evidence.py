"""Violations on Kafka become entries of the evidence ledger, once each, though workers are killed on the way."""

import json
import os
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streams.evidence.signing import SigningKey
from tests.e2e.events import event
from tests.e2e.pipeline import Pipeline, pipeline, publish
from tests.e2e.test_workers import children
from tests.servers.kafka import create_topic

PARTITIONS, KILLS = 4, 3
KEY = "5a" * 32

VIOLATIONS = (
    "SELECT count() FROM (SELECT DISTINCT _topic, _incarnation, _partition, _offset, policy FROM verdicts"
    " WHERE verdict = 'non_compliant')"
)
ENTRIES = "SELECT count() FROM evidence FINAL WHERE kind = 'violation'"


def exports(first: int, count: int) -> list[tuple[int, bytes]]:
    """Personal data that goes to another country without a safeguard: what several policies find wrong."""
    personal = {"operation": "export", "data_categories": ["personal"], "location": "US", "purpose": "marketing"}
    now = time.time()
    return [
        (number % PARTITIONS, event("processing", now, service="crm", tenant=f"t{number % 3}", **personal))
        for number in range(first, first + count)
    ]


def entered(running: Pipeline) -> bool:
    """Whether every violation is in the ledger."""
    violations = running.value(VIOLATIONS)
    return bool(violations) and running.value(ENTRIES) == violations


@pytest.mark.slow
def test_each_violation_is_in_the_ledger_once_though_workers_are_killed(
    kafka: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    events: int = pytestconfig.getoption("--ledger-events", 6_000)
    settings = "[evidence]\nkey_file = 'key'\n".replace("key'", f"{tmp_path}/key'", 1)
    (tmp_path / "key").touch(0o600)
    (tmp_path / "key").write_text(KEY)
    with pipeline(tmp_path, kafka, settings, partitions=PARTITIONS, workers=2) as running:
        create_topic(kafka, running.topics["processing"], PARTITIONS)
        running.start()
        assert running.process is not None
        running.wait(lambda: len(children(running.process.pid)) == 2, "two workers")
        for part in range(KILLS):
            publish(kafka, running.topics["processing"], exports(part * events // KILLS, events // KILLS))
            before = running.value(ENTRIES) or 0
            running.wait(lambda before=before: (running.value(ENTRIES) or 0) > before, "some entries")
            running.wait(lambda: len(children(running.process.pid)) == 2, "two workers")
            os.kill(children(running.process.pid)[part % 2], signal.SIGKILL)
        seconds = 60 + events / 100
        stored = "SELECT count() FROM raw_processing"
        running.wait(lambda: running.value(stored) == events // KILLS * KILLS, "all events", seconds)
        running.wait(lambda: entered(running), "every violation in the ledger", seconds)
        running.wait(lambda: running.lag("evidence") == 0, "the ledger to be kept")
        running.stop()

        found = json.loads(running.tidewatch("audit", "verify", "--json").stdout)
        assert [chain["tenant"] for chain in found if chain["ok"]] == ["t0", "t1", "t2"]
        file = tmp_path / "evidence"
        running.tidewatch("audit", "export", str(file))
        elsewhere = running.tidewatch("audit", "verify", str(file), "--key", SigningKey(KEY).public, "--json")
        assert [chain["entries"] for chain in json.loads(elsewhere.stdout)] == [chain["entries"] for chain in found]
        file.write_bytes(file.read_bytes().replace(b'"service":"crm"', b'"service":"crn"', 1))
        running.tidewatch("audit", "verify", str(file), "--key", SigningKey(KEY).public, status=1)


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
