"""Results as tables in Markdown: what ``make bench`` prints, and what docs/performance.md shows.

``python -m benchmarks.report`` writes the tables of the committed results into that page anew.
"""

import re
import statistics
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from benchmarks.machine import Machine
from benchmarks.peer import Result

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
RESULTS = Path(__file__).parent / "results"


class Comparison(msgspec.Struct, frozen=True):
    """Contestants in turn on one machine; the last one is what the others are compared with."""

    date: str
    machine: Machine
    compression: str
    rounds: dict[str, list[Result]]


class Steps(msgspec.Struct, frozen=True):
    """Microseconds of processor time an event: of each step, in each round."""

    date: str
    machine: Machine
    rounds: dict[str, list[float]]


def table(comparison: Comparison) -> str:
    """Median and range of each contestant, and how many times less processor time than the last one it takes."""
    *_, last = comparison.rounds.values()
    rows = []
    for name, results in comparison.rounds.items():
        ratios = [other.cpu_us / result.cpu_us for other, result in zip(last, results, strict=True)]
        columns = (
            _spread((result.cpu_us for result in results), "{:.1f}"),
            _spread((1e6 / result.cpu_us for result in results), "{:,.0f}"),
            _spread((result.rate for result in results), "{:,.0f}"),
            _spread(ratios, "{:.1f}"),
            _spread((result.rss_bytes / 2**20 for result in results), "{:,.0f}"),
        )
        rows.append(f"| {name} | {results[0].events:,} | {' | '.join(columns)} |")
    header = "| | events | CPU µs/event | events/s a core | events/s | times less CPU | peak MB |"
    return "\n".join([_described(comparison.date, comparison.machine), "", header, "|---" * 7 + "|", *rows])


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
    versions = ", ".join(f"{package} {number}" for package, number in machine.versions.items())
    return (
        f"{date}, {machine.cpu}, {machine.cores} cores, {machine.memory_gb:.0f} GB, {machine.system}; "
        f"Python {machine.python}, {versions}. Median [lowest – highest]."
    )


def _spread(values: Iterable[float], form: str) -> str:
    found = sorted(values)
    low, high = form.format(found[0]), form.format(found[-1])
    return f"{form.format(statistics.median(found))} [{low} – {high}]"


def page(text: str) -> str:
    """The page with each block ``<!-- NAME -->`` … ``<!-- end -->`` filled from the newest committed results."""
    comparison = msgspec.json.decode(_newest("bench").read_bytes(), type=Comparison)
    steps = msgspec.json.decode(_newest("steps").read_bytes(), type=Steps)
    blocks: dict[str, Callable[[], str]] = {
        "bench": lambda: table(comparison),
        "threads": lambda: threads_table(comparison),
        "steps": lambda: steps_table(steps),
    }
    for name, block in blocks.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- end -->)", re.DOTALL)
        text = pattern.sub(lambda found, block=block: found[1] + block() + found[2], text)  # type: ignore[misc]
    return text


def _newest(kind: str) -> Path:
    return max(RESULTS.glob(f"{kind}-*.json"))


def main() -> None:
    """Write the page anew."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
