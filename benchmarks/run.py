"""``make bench``: Tidewatch's ingest path beside plain Faust, on one real Apache Kafka, in turn.

Every contestant's windows are compared with what was published before its time counts. Prints a table and writes
``benchmarks/results/bench-DATE.json``; what the columns mean is said in docs/performance.md.
"""

import argparse
import datetime
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks import machine, report, topic
from benchmarks.peer import Result
from tests.servers.kafka import KafkaServer

COMPRESSION = "zstd"
_PATIENCE_S = 600


class Contestant(NamedTuple):
    """Who processes which topic."""

    name: str
    module: str
    variant: str
    topic: str


CONTESTANTS = (
    Contestant("Tidewatch, windows", "benchmarks.ours", "windows", "large"),
    Contestant("Tidewatch, windows and raw rows in ClickHouse", "benchmarks.ours", "stored", "large"),
    Contestant("plain Faust, take(5000)", "benchmarks.plain_faust", "take", "small"),
)


def compare(sizes: dict[str, int], rounds: int) -> report.Comparison:
    """Run every contestant ``rounds`` times; ``sizes`` are the events of each topic."""
    found: dict[str, list[Result]] = {contestant.name: [] for contestant in CONTESTANTS}
    with tempfile.TemporaryDirectory() as name, KafkaServer(Path(name) / "kafka", heap="1g") as kafka:
        for each, count in sizes.items():
            _say(f"filling the topic {each} with {count:,} events")
            truth = topic.fill(kafka.bootstrap_servers, each, count, COMPRESSION)
            (Path(name) / each).write_bytes(msgspec.json.encode(truth))
        for number in range(rounds):
            for contestant in CONTESTANTS:
                result = _run(contestant, kafka.bootstrap_servers, Path(name))
                found[contestant.name].append(result)
                _say(f"round {number + 1} of {rounds}: {contestant.name}: {result.cpu_us:.1f} us an event")
    return report.Comparison(datetime.date.today().isoformat(), machine.this(), COMPRESSION, found)


def _run(contestant: Contestant, bootstrap_servers: str, directory: Path) -> Result:
    arguments = [bootstrap_servers, contestant.topic, str(directory / contestant.topic), contestant.variant]
    command = [sys.executable, "-m", contestant.module, *arguments]
    process = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S)
    if process.returncode:
        sys.exit(f"{contestant.name} failed:\n{process.stderr}")
    return msgspec.json.decode(process.stdout.splitlines()[-1], type=Result)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=1_000_000, help="for Tidewatch; Faust gets a twentieth")
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test of less than a minute; its figures mean little"
    )
    given = parser.parse_args()
    events, rounds = (100_000, 1) if given.quick else (given.events, given.rounds)
    comparison = compare({"large": events, "small": events // 20}, rounds)
    print(report.table(comparison))
    if not given.quick:
        report.RESULTS.mkdir(exist_ok=True)
        path = report.RESULTS / f"bench-{comparison.date}.json"
        path.write_bytes(msgspec.json.format(msgspec.json.encode(comparison)))
        print(f"\nwritten to {path.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
