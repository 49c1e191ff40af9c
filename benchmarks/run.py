"""``make bench``: Tidewatch's ingest path beside plain Faust, on one real Apache Kafka, in turn.

Every contestant's windows are compared with what was published before its time counts. Prints a table and writes
``benchmarks/results/bench-DATE.json``; what the columns mean is said in docs/performance.md.
"""

import argparse
import datetime
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks import machine, report, topic
from benchmarks.peers import Contestant, NotInstalled
from benchmarks.peers.faust import TAKE
from benchmarks.truth import Truth, Window
from tests.servers.kafka import KafkaServer

COMPRESSION = "zstd"
OURS = Contestant("Tidewatch, windows", lambda: [sys.executable, "-m", "benchmarks.ours", "windows"])
STORED = Contestant(
    "Tidewatch, windows and raw rows in ClickHouse", lambda: [sys.executable, "-m", "benchmarks.ours", "stored"]
)
_PATIENCE_S = 600

Windows = dict[str, Window]


class Failed(Exception):  # noqa: N818 - named after what happened, as the field does
    """A contestant found something else than what was published, or nothing."""


class Topic(msgspec.Struct, frozen=True):
    """A topic that is filled, and what must come out of it."""

    name: str
    truth: Truth


def compare(contestants: Sequence[Contestant], events: int, rounds: int) -> report.Comparison:
    """Run every contestant ``rounds`` times, after one round to warm up; ``events`` are those of the largest topic.

    A contestant that cannot be installed, or whose windows are wrong, is reported, and the others go on; but for the
    first, with which they are compared.
    """
    commands, absent = prepared(contestants)
    found: dict[str, list[report.Result]] = {contestant.name: [] for contestant in contestants}
    with tempfile.TemporaryDirectory() as name, KafkaServer(Path(name) / "kafka", heap="1g") as kafka:
        topics = {share: _filled(kafka, round(events * share)) for share in sorted({c.share for c in contestants})}
        for number in range(rounds + 1):
            for contestant in contestants:
                if contestant.name in absent:
                    continue
                try:
                    command = [*commands[contestant.name], kafka.bootstrap_servers]
                    result = measured(command, topics[contestant.share], Path(name) / f"{number}.json")
                except Failed as failure:
                    if contestant is contestants[0]:
                        sys.exit(f"{contestant.name}, which the others are compared with, failed: {failure}")
                    absent[contestant.name] = str(failure)
                    _say(f"{contestant.name} failed: {failure}")
                    continue
                _say(f"{_round(number, rounds)}: {contestant.name}: {result.cpu_us:.1f} µs an event")
                found[contestant.name] += [result] if number else []
    present = {name: results for name, results in found.items() if name not in absent}
    return report.Comparison(datetime.date.today().isoformat(), machine.this(), COMPRESSION, present, absent)


def prepared(contestants: Sequence[Contestant]) -> tuple[dict[str, list[str]], dict[str, str]]:
    """The command of each contestant, or why there is none."""
    commands: dict[str, list[str]] = {}
    absent: dict[str, str] = {}
    for contestant in contestants:
        _say(f"preparing {contestant.name}")
        try:
            commands[contestant.name] = contestant.prepare()
        except NotInstalled as reason:
            absent[contestant.name] = str(reason)
            _say(f"{contestant.name} cannot take part: {reason}")
    return commands, absent


def _filled(kafka: KafkaServer, events: int) -> Topic:
    _say(f"filling a topic with {events:,} events")
    name = f"events-{events}"
    return Topic(name, topic.fill(kafka.bootstrap_servers, name, events, COMPRESSION))


def measured(command: list[str], topic: Topic, file: Path) -> report.Result:
    """Run a contestant and check its windows. Raises :class:`Failed`."""
    output = _output([*command, topic.name, str(topic.truth.counted), str(file)])
    windows = msgspec.json.decode(file.read_bytes(), type=Windows)
    file.unlink()
    if wrong := topic.truth.differences(windows):
        raise Failed(f"{len(wrong):,} of {len(topic.truth.windows):,} windows are wrong, such as {min(wrong)}")
    result = msgspec.json.decode(output.splitlines()[-1], type=report.Result)
    return msgspec.structs.replace(result, events=topic.truth.events)


def _output(command: list[str]) -> str:
    """What a contestant prints. Raises :class:`Failed`."""
    try:
        process = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise Failed(f"it was not done after {_PATIENCE_S} s") from None
    if process.returncode:
        raise Failed(f"it ended with exit status {process.returncode}: {' '.join(process.stderr.splitlines()[-3:])}")
    return process.stdout


def _round(number: int, rounds: int) -> str:
    return f"round {number} of {rounds}" if number else "to warm up"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(contestants: Sequence[Contestant], kind: str, description: str | None, rounds: int) -> None:
    """Measure, print, write ``benchmarks/results/KIND-DATE.json``."""
    parser = argparse.ArgumentParser(prog=f"make {kind}", description=description)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--events", type=int, default=1_000_000, help="for Tidewatch; what is slow gets fewer")
    parser.add_argument("--only", action="append", help="contestants whose names hold this, beside Tidewatch")
    parser.add_argument("--quick", action="store_true", help="a smoke test; its figures mean little")
    given = parser.parse_args()
    first, *others = contestants
    wanted = [other for other in others if not given.only or any(part in other.name for part in given.only)]
    events, rounds = (100_000, 1) if given.quick else (given.events, given.rounds)
    comparison = compare([first, *wanted], events, rounds)
    print(report.table(comparison))
    if not given.quick and not given.only:
        report.RESULTS.mkdir(exist_ok=True)
        path = report.RESULTS / f"{kind}-{comparison.date}.json"
        path.write_bytes(msgspec.json.format(msgspec.json.encode(comparison)))
        print(f"\nwritten to {path.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main([OURS, STORED, TAKE], "bench", __doc__, rounds=3)
