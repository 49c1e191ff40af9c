"""What ``make bench-latency`` found, and its tables."""

from collections.abc import Iterable

import msgspec

from benchmarks.machine import Machine


class Delays(msgspec.Struct, frozen=True):
    """Of so many, in seconds."""

    count: int
    p50: float
    p99: float
    max: float

    @classmethod
    def of(cls, delays: Iterable[float]) -> "Delays":
        """The percentiles are delays that occurred: the lowest one that so many are at most."""
        found = sorted(delays)
        return cls(len(found), found[_rank(0.5, len(found))], found[_rank(0.99, len(found))], found[-1])

    def __str__(self) -> str:
        return " / ".join(f"{1000 * delay:,.0f}" for delay in (self.p50, self.p99, self.max))


class Live(msgspec.Struct, frozen=True):
    """A rate, kept for a while."""

    name: str
    rate: float
    """Events a second that were published."""
    seconds: float
    cpu_percent: float
    """Of a core: the worker's process, with the ClickHouse engine inside it."""
    python_percent: float
    """Of that, the threads that Python started."""
    in_window: Delays
    """From the event to its increment in the log that the windows are made of."""
    window_row: Delays
    """From the end of a window to the moment when a SELECT finds all of its events."""
    post: Delays
    """From the event that crosses a threshold to Tidewatch's POST."""
    webhook: Delays
    """From that event to Alertmanager's POST to its webhook."""


class Alone(msgspec.Struct, frozen=True):
    """A rate, kept for a while, of which nobody asks anything and no alert comes."""

    rate: float
    """Events a second that were published."""
    cpu_percent: float
    """Of a core: the worker's process, with the ClickHouse engine inside it."""
    python_percent: float
    """Of that, the threads that Python started."""


class Latency(msgspec.Struct, frozen=True):
    """One run."""

    date: str
    machine: Machine
    catching_up: float
    """Events a second while nobody publishes."""
    maximum: float
    """Events a second while a publisher on the same machine publishes as fast as it can."""
    idle_cpu_percent: float
    alone: Alone
    rates: list[Live]


def table(latency: Latency) -> str:
    """The delays of each rate."""
    columns = (
        "rate",
        "events/s",
        "CPU, % of a core",
        "without the engine's threads",
        "in a window",
        "row of the window",
        "POST",
        "webhook",
    )
    rows = [
        [
            live.name,
            f"{live.rate:,.0f}",
            f"{live.cpu_percent:.0f}",
            f"{live.python_percent:.0f}",
            *map(str, (live.in_window, live.window_row, live.post, live.webhook)),
        ]
        for live in latency.rates
    ]
    versions = ", ".join(f"{package} {number}" for package, number in latency.machine.versions.items())
    lines = [
        f"{latency.date}, {latency.machine.cpu}, {latency.machine.cores} cores, {latency.machine.system}; "
        f"Python {latency.machine.python}, {versions}. Delays in milliseconds: p50 / p99 / max.",
        "",
        *("| " + " | ".join(row) + " |" for row in (columns, ["---"] * len(columns), *rows)),
        "",
        f"Catching up, with nobody publishing, the worker does {latency.catching_up:,.0f} events/s. The maximum is "
        f"{latency.maximum:,.0f} events/s, with publisher and broker on the same cores.",
        "",
        f"Without probes and questions, it takes {latency.alone.cpu_percent:.0f} % of a core for "
        f"{latency.alone.rate:,.0f} events/s, {latency.alone.python_percent:.0f} % without the engine's threads. "
        f"Without events, it takes {latency.idle_cpu_percent:.1f} %.",
    ]
    return "\n".join(lines)


def _rank(share: float, count: int) -> int:
    return max(-int(-share * count // 1) - 1, 0)
