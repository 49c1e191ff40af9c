"""Results as tables in Markdown: what ``make bench`` prints, and what docs/performance.md shows.

``python -m benchmarks.report`` writes the tables of the committed results into that page anew; ``--check`` only looks.
"""

import argparse
import re
import statistics
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from benchmarks.machine import Machine

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
RESULTS = Path(__file__).parent / "results"


class Result(msgspec.Struct, frozen=True):
    """One run of one contestant."""

    wall_seconds: float
    cpu_seconds: float
    rss_bytes: int
    """The most memory the process ever had."""
    versions: dict[str, str]
    threads: dict[str, float] = {}
    """``cpu_seconds`` by name of thread."""
    events: int = 0

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.wall_seconds

    @property
    def cpu_us(self) -> float:
        """Microseconds of processor time an event."""
        return self.cpu_seconds / self.events * 1e6


class Comparison(msgspec.Struct, frozen=True):
    """Contestants in turn on one machine; the others are compared with the first. ``absent`` are those, and why."""

    date: str
    machine: Machine
    compression: str
    rounds: dict[str, list[Result]]
    absent: dict[str, str] = {}


class Steps(msgspec.Struct, frozen=True):
    """Microseconds of processor time an event: of each step, in each round."""

    date: str
    machine: Machine
    rounds: dict[str, list[float]]


def table(comparison: Comparison) -> str:
    """Median and range of each contestant, and the processor time it takes in those of the first, round by round."""
    first, *others = comparison.rounds
    others.sort(key=lambda name: statistics.median(_ratios(comparison, name)))
    header = "| | events | CPU µs/event | events/s a core | events/s | CPU, in those of the first | peak MB |"
    rows = [_row(comparison, name) for name in (first, *others)]
    lines = [_described(comparison.date, comparison.machine), "", header, "|---" * 7 + "|", *rows, ""]
    lines += [f"- {name}: {_versions(results[0].versions)}." for name, results in comparison.rounds.items()]
    lines += [f"- {name} could not take part: {reason}" for name, reason in comparison.absent.items()]
    return "\n".join(lines)


def _row(comparison: Comparison, name: str) -> str:
    results = comparison.rounds[name]
    columns = (
        _spread((result.cpu_us for result in results), "{:.1f}"),
        _spread((1e6 / result.cpu_us for result in results), "{:,.0f}"),
        _spread((result.rate for result in results), "{:,.0f}"),
        _spread(_ratios(comparison, name), "{:.1f}"),
        _spread((result.rss_bytes / 2**20 for result in results), "{:,.0f}"),
    )
    return f"| {name} | {results[0].events:,} | {' | '.join(columns)} |"


def _ratios(comparison: Comparison, name: str) -> list[float]:
    """Processor time an event in that of the first contestant in the same round."""
    first = next(iter(comparison.rounds.values()))
    return [one.cpu_us / ours.cpu_us for one, ours in zip(comparison.rounds[name], first, strict=True)]


def steps_table(steps: Steps) -> str:
    """Median and range of each step."""
    rows = [f"| {name} | {_spread(times, '{:.2f}')} |" for name, times in steps.rounds.items()]
    return "\n".join([_described(steps.date, steps.machine), "", "| step | CPU µs/event |", "|---|---|", *rows])


def threads_table(comparison: Comparison) -> str:
    """On which threads the first two contestants' processor time goes, in microseconds an event."""
    names = {
        "MainThread": "windows, Kafka out, event loop",
        "uvloop": "ingest",
        "Thread": "fetch",
        "clickhouse": "insert",
    }
    rows = []
    for name, results in list(comparison.rounds.items())[:2]:
        spent = []
        for thread, meaning in {**names, "other": "the engine's own threads"}.items():
            times = [result.threads.get(thread, 0.0) / result.events * 1e6 for result in results]
            spent.append(f"{meaning} {statistics.median(times):.2f}")
        rows.append(f"- {name}: {', '.join(spent)}.")
    return "\n".join(rows)


def _described(date: str, machine: Machine) -> str:
    return (
        f"{date}, {machine.cpu}, {machine.cores} cores, {machine.memory_gb:.0f} GB, {machine.system}; "
        f"Python {machine.python}, {_versions(machine.versions)}. Median [lowest – highest]."
    )


def _versions(versions: dict[str, str]) -> str:
    return ", ".join(f"{package} {number}" for package, number in versions.items())


def _spread(values: Iterable[float], form: str) -> str:
    found = sorted(values)
    low, high = form.format(found[0]), form.format(found[-1])
    return f"{form.format(statistics.median(found))} [{low} – {high}]"


def page(text: str) -> str:
    """The page with each block ``<!-- NAME -->`` … ``<!-- end -->`` filled from the newest committed results."""
    for name, (kind, block) in BLOCKS.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if pattern.search(text):
            filled = block(max(RESULTS.glob(f"{kind}-*.json")).read_bytes())
            text = pattern.sub(lambda found, filled=filled: found[1] + filled + "\n" + found[2], text)  # type: ignore[misc]
    return text


BLOCKS: dict[str, tuple[str, Callable[[bytes], str]]] = {
    "bench": ("bench", lambda read: table(msgspec.json.decode(read, type=Comparison))),
    "threads": ("bench", lambda read: threads_table(msgspec.json.decode(read, type=Comparison))),
    "peers": ("peers", lambda read: table(msgspec.json.decode(read, type=Comparison))),
    "steps": ("steps", lambda read: steps_table(msgspec.json.decode(read, type=Steps))),
}
"""What fills a block: the kind of results, and the table made of them."""


def main() -> None:
    """Write the page anew, or check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 when a table is not that of the results"
    )
    given = parser.parse_args()
    text = PAGE.read_text(encoding="utf-8")
    filled = page(text)
    if given.check and filled != text:
        sys.exit("docs/performance.md is stale; run: python -m benchmarks.report")
    PAGE.write_text(filled, encoding="utf-8")


if __name__ == "__main__":
    main()
