"""``make bench``: the ingest path beside plain Faust, on the same Apache Kafka in one run.

Rounds are interleaved, each contestant in a process of its own; a time counts when its windows were right. Rates depend
on the machine and on what else it does, so the ratios between contestants of one run are what to look at.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.peer import Result
from benchmarks.topic import fill
from benchmarks.truth import Truth
from tests.servers.kafka import broker

RESULTS = Path(__file__).parent / "results"
_TIMEOUT = 600


class Contestant(msgspec.Struct, frozen=True):
    """Who runs, over how many events."""

    name: str
    module: str
    variant: str
    share: float
    """Of the events: a rate needs fewer of them when it is low."""


CONTESTANTS = (
    Contestant("Tidewatch, windows", "benchmarks.ours", "windows", 1.0),
    Contestant("Tidewatch, windows and raw rows in ClickHouse", "benchmarks.ours", "stored", 1.0),
    Contestant("plain Faust, take(5000), windows", "benchmarks.plain_faust", "windows", 0.06),
)


class Report(msgspec.Struct, frozen=True):
    """A whole run, as it is kept in ``results/``."""

    taken: str
    machine: dict[str, str]
    versions: dict[str, str]
    events: int
    rounds: int
    results: dict[str, list[Result]]


def main() -> None:
    """Run, print the table, and write the results with ``--save``."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="100,000 events, one round")
    parser.add_argument("--compression", default="zstd", choices=("none", "lz4", "zstd"))
    parser.add_argument("--save", action="store_true", help=f"write JSON below {RESULTS.name}/")
    given = parser.parse_args()
    events, rounds = (100_000, 1) if given.quick else (given.events, given.rounds)
    results: dict[str, list[Result]] = {contestant.name: [] for contestant in CONTESTANTS}
    for name, result in _runs(events, rounds, given.compression):
        results[name].append(result)
        print(f"{name}: {result.rate:,.0f} events/s, {result.cpu_us:.2f} us CPU an event", file=sys.stderr)
    report = Report(datetime.now(UTC).isoformat("T", "seconds"), _machine(), _versions(), events, rounds, results)
    _print(report)
    if given.save:
        RESULTS.mkdir(exist_ok=True)
        file = RESULTS / f"ingest-{report.taken[:10]}.json"
        file.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1))
        print(f"written to {file.relative_to(RESULTS.parent.parent)}", file=sys.stderr)


def _runs(events: int, rounds: int, compression: str) -> Iterator[tuple[str, Result]]:
    with tempfile.TemporaryDirectory() as directory, broker(Path(directory)) as servers:
        for round_ in range(rounds):
            for number, contestant in enumerate(CONTESTANTS):
                topic = f"bench-{os.getpid()}-{round_}-{number}"
                truth = fill(servers, topic, int(events * contestant.share), compression)
                yield contestant.name, _run(contestant, servers, topic, truth, Path(directory))


def _run(contestant: Contestant, servers: str, topic: str, truth: Truth, directory: Path) -> Result:
    file = directory / f"{topic}.json"
    file.write_bytes(msgspec.json.encode(truth))
    command = [sys.executable, "-m", contestant.module, servers, topic, str(file), contestant.variant]
    run = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    if run.returncode:
        sys.exit(f"{contestant.name} failed:\n{run.stderr[-3000:]}")
    return msgspec.json.decode(run.stdout.splitlines()[-1], type=Result)


def _print(report: Report) -> None:
    base = _median([result.rate for result in report.results[CONTESTANTS[-1].name]])
    table = Table(title=f"{report.events:,} events of about 270 bytes, 8 partitions, median of {report.rounds} rounds")
    for column in ("", "events/s", "from - to", "us CPU an event", "events/s a core", "MB", "times plain Faust"):
        table.add_column(column, justify="left" if not column else "right")
    for name, results in report.results.items():
        rates = [result.rate for result in results]
        cpu = _median([result.cpu_us for result in results])
        table.add_row(
            name,
            f"{_median(rates):,.0f}",
            f"{min(rates):,.0f} - {max(rates):,.0f}",
            f"{cpu:.2f}",
            f"{1e6 / cpu:,.0f}",
            f"{_median([result.rss_bytes / 1e6 for result in results]):,.0f}",
            f"{_median(rates) / base:.1f}",
        )
    console = Console(width=140)
    console.print(table)
    console.print(", ".join(f"{name} {value}" for name, value in {**report.machine, **report.versions}.items()))


def _machine() -> dict[str, str]:
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].split(":", 1)[1].strip() if models else platform.processor()
    return {"CPU": model, "cores": str(os.cpu_count()), "Python": platform.python_version()}


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("faust-streaming", "aiokafka", "msgspec", "chdb", "tidewatch")}


def _median(values: list[float]) -> float:
    return statistics.median(values)


if __name__ == "__main__":
    main()
