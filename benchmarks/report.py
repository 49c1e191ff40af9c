"""Results as tables in Markdown: what ``make bench`` prints, and what docs/performance.md shows.

``python -m benchmarks.report`` writes the figures of the committed results anew into that page and into the docstring
of the hot path; ``--check`` only looks.
"""

import argparse
import re
import statistics
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from benchmarks import ledger
from benchmarks.latency.results import Latency
from benchmarks.latency.results import table as latency_table
from benchmarks.machine import Machine
from benchmarks.scale import results as scale

_ROOT = Path(__file__).parents[1]
PAGE = _ROOT / "docs" / "performance.md"
HOT_PATH = _ROOT / "streams" / "ingest" / "ingest.py"
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
    path: list[str]
    """The steps from a fetch to the windows, one after the other."""
    ceiling: str
    """The step that nothing which decodes every record can be faster than."""


class Judging(msgspec.Struct, frozen=True):
    """Microseconds of processor time an event that is judged: of each step, in each round."""

    date: str
    machine: Machine
    rounds: dict[str, list[float]]
    policies: int
    verdicts: float
    """Of an event, on average."""
    violating: float
    """Share of the events that break a policy."""


def table(comparison: Comparison) -> str:
    """Median and range of each contestant, and the processor time it takes in those of the first, round by round."""
    first, *others = comparison.rounds
    others.sort(key=lambda name: statistics.median(_ratios(comparison, name)))
    header = "| | events | CPU µs/event | events/s a core | events/s | times the CPU of the first | peak MB |"
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


def judging_table(judging: Judging) -> str:
    """Median and range of each step, and how many events a second that is."""
    rows = [
        f"| {name} | {_spread(times, '{:.2f}')} | {1e6 / statistics.median(times):,.0f} |"
        for name, times in judging.rounds.items()
    ]
    about = f"{judging.policies} policies, {judging.verdicts:.1f} verdicts an event; {judging.violating:.0%} break one."
    described = f"{_described(judging.date, judging.machine)} {about}"
    return "\n".join([described, "", "| step | CPU µs/event | events/s a core |", "|---|---|---|", *rows])


def steps_lines(steps: Steps) -> str:
    """The median of each step, as lines of a docstring."""
    return "\n".join(f"    {statistics.median(times):5.2f}  {name}" for name, times in steps.rounds.items())


def ceiling_sentence(steps: Steps) -> str:
    """How the path from a fetch to the windows compares with decoding alone, round by round."""
    path = [sum(times) for times in zip(*(steps.rounds[name] for name in steps.path), strict=True)]
    ceiling = steps.rounds[steps.ceiling]
    ratios = [decoded / ours for decoded, ours in zip(ceiling, path, strict=True)]
    return (
        f"From the fetched bytes to merged windows it is {statistics.median(path):.2f} µs an event, of which "
        f"{' + '.join(f'{statistics.median(steps.rounds[name]):.2f}' for name in steps.path)} "
        f"({', '.join(steps.path)}). To decode the same bytes with msgspec and do nothing else takes "
        f"{statistics.median(ceiling):.2f} µs: {_spread(ratios, '{:.2f}')} times as much."
    )


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
        for thread, meaning in {**names, "other": "other threads"}.items():
            times = [result.threads.get(thread, 0.0) / result.events * 1e6 for result in results]
            spent.append(f"{meaning} {statistics.median(times):.2f}")
        engine = [result.threads.get("engine", 0.0) / result.events * 1e6 for result in results]
        beside = f"; beside it the engine's process {_spread(engine, '{:.2f}')}" if any(engine) else ""
        rows.append(f"- {name}: {', '.join(spent)}{beside}.")
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
        if pattern.search(text) and any(RESULTS.glob(f"{kind}-*.json")):
            filled = block(newest(kind))
            text = pattern.sub(lambda found, filled=filled: found[1] + filled + "\n" + found[2], text)  # type: ignore[misc]
    return text


def docstring(source: str) -> str:
    """The source of the hot path with the microseconds of the newest committed results in its docstring."""
    lines = steps_lines(msgspec.json.decode(newest("steps"), type=Steps))
    return re.sub(
        r"(``make bench-steps``:\n\n).*?(\n\"\"\")",
        lambda found: found[1] + lines + found[2],
        source,
        count=1,
        flags=re.S,
    )


def newest(kind: str) -> bytes:
    """The newest results of a kind."""
    return max(RESULTS.glob(f"{kind}-*.json")).read_bytes()


BLOCKS: dict[str, tuple[str, Callable[[bytes], str]]] = {
    "bench": ("bench", lambda read: table(msgspec.json.decode(read, type=Comparison))),
    "threads": ("bench", lambda read: threads_table(msgspec.json.decode(read, type=Comparison))),
    "peers": ("peers", lambda read: table(msgspec.json.decode(read, type=Comparison))),
    "scale": ("scale", lambda read: scale.table(msgspec.json.decode(read, type=scale.Scale))),
    "steps": ("steps", lambda read: steps_table(msgspec.json.decode(read, type=Steps))),
    "ledger": ("ledger", lambda read: ledger.table(msgspec.json.decode(read, type=ledger.Ledger))),
    "judging": ("policies", lambda read: judging_table(msgspec.json.decode(read, type=Judging))),
    "latency": ("latency", lambda read: latency_table(msgspec.json.decode(read, type=Latency))),
    "ceiling": ("steps", lambda read: ceiling_sentence(msgspec.json.decode(read, type=Steps))),
}
"""What fills a block: the kind of results, and the table made of them."""


def main() -> None:
    """Write the page anew, or check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 when a table is not that of the results"
    )
    given = parser.parse_args()
    for path, fill in ((PAGE, page), (HOT_PATH, docstring)):
        text = path.read_text(encoding="utf-8")
        filled = fill(text)
        if given.check and filled != text:
            sys.exit(f"{path.relative_to(_ROOT)} is stale; run: python -m benchmarks.report")
        if not given.check:
            path.write_text(filled, encoding="utf-8")


if __name__ == "__main__":
    main()
