"""What was measured along the axes, as a table."""

import statistics

import msgspec

from benchmarks.machine import Machine
from benchmarks.scale.load import Load


class Point(msgspec.Struct, frozen=True):
    """One run of one load."""

    load: Load
    event_bytes: float
    wall_seconds: float
    cpu_seconds: float
    """Of all workers."""
    grown_bytes: int
    """The most memory a worker took, beyond what it took before the first event."""
    rows: int
    """Windows that came out."""

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.load.events / self.wall_seconds

    @property
    def cpu_us(self) -> float:
        """Microseconds of processor time an event."""
        return self.cpu_seconds / self.load.events * 1e6


class Scale(msgspec.Struct, frozen=True):
    """Axis -> place on it -> its rounds, in turn with all others."""

    date: str
    machine: Machine
    axes: dict[str, dict[str, list[Point]]]


def table(scale: Scale) -> str:
    """The median of each point."""
    machine = scale.machine
    versions = ", ".join(f"{package} {number}" for package, number in machine.versions.items())
    lines = [
        f"{scale.date}, {machine.cpu}, {machine.cores} cores, {machine.memory_gb:.0f} GB, {machine.system}; "
        f"Python {machine.python}, {versions}. Medians; the broker runs on the same machine.",
        "",
        "| axis | | events | bytes an event | windows | CPU µs/event | events/s | MB beyond idle |",
        "|---" * 8 + "|",
    ]
    for axis, places in scale.axes.items():
        lines += [_row(axis, place, points) for place, points in places.items() if points]
    catching_up = [points for points in scale.axes.get("events", {}).values() if points]
    return "\n".join(lines + (["", _growth(*catching_up)] if len(catching_up) == 2 else []))


def _growth(fewer: list[Point], more: list[Point]) -> str:
    """Of memory, while a worker catches up with more of the same."""
    less, most = (statistics.median(point.grown_bytes for point in points) for points in (fewer, more))
    return (
        f"To catch up with {more[0].load.events:,} events instead of {fewer[0].load.events:,} takes "
        f"{most / less:.2f} times the memory."
    )


def _row(axis: str, place: str, points: list[Point]) -> str:
    first = points[0]
    cpu = statistics.median(point.cpu_us for point in points)
    rate = statistics.median(point.rate for point in points)
    grown = statistics.median(point.grown_bytes for point in points) / 2**20
    start = f"| {axis} | {place} | {first.load.events:,} | {first.event_bytes:,.0f} | {first.rows:,} "
    return f"{start}| {cpu:.1f} | {rate:,.0f} | {grown:,.0f} |"
