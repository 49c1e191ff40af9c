"""The records of ``panes`` behind the golden files: all kinds of series, two tenants, late data, an alert."""

from streams.batch import Partition
from streams.windows.deltas import PaneDelta, Pulse
from streams.windows.panes import Cell, Series
from tests.windows.deltas import delta

MINUTE = 60_000
START = 1_795_342_500_000 // MINUTE * MINUTE
SOURCES = [Partition("metrics", 0), Partition("metrics", 1)]

_SERIES = [
    Series("requests_total", "counter", (("outcome", "success"), ("service", "shop")), 10_000),
    Series("requests_total", "counter", (("outcome", "error"), ("service", "shop")), 10_000),
    Series("request_duration_ms", "histogram", (("region", "eu"), ("service", "shop")), 10_000),
    Series("temperature", "gauge", (("service", "cellar"), ("zone", "ä")), 10_000),
    Series("up", "gauge", (("component", "db"), ("service", "shop")), 1_000),
]

BEFORE = 14
"""How many of the records a golden snapshot includes."""


def records() -> list[PaneDelta | Pulse]:
    """Deltas of two partitions, and what their readers say of them."""
    found: list[PaneDelta | Pulse] = [Pulse(wall_ms=START, expected=SOURCES)]
    for at in range(12):
        late = {5: 60_000, 9: 100_000}.get(at, 0)
        source, when = SOURCES[at % 2], START + at * 20_000 - late
        found.append(_delta(at, source, when, "two" if at % 3 == 2 else "default"))
        found.append(Pulse(wall_ms=when, seen=[(each, START + at * 20_000, when) for each in SOURCES]))
    return [*found, Pulse(wall_ms=START + 6 * MINUTE, idle=SOURCES), Pulse(wall_ms=START + 20 * MINUTE, idle=SOURCES)]


def _delta(at: int, source: Partition, when: int, tenant: str) -> PaneDelta:
    pane, second = when - when % 10_000, when - when % 1_000
    cells = [
        (0, pane, Cell(3, 30.0 + at, 9.0, 12.0 + at, 9.0, when)),
        (1, pane, Cell(1, 20.0, 20.0, 20.0, 20.0, when)),
        (2, pane, Cell(4, 330.5 + at, 0.0, 250.25, 40.125, when, 1, {340 + at: 2, 510: 1})),
        (3, pane, Cell(2, -3.75, -4.0, 0.25, 0.25, when, 0, {-129: 1}, {127: 1})),
        (4, second, Cell(1, 1.0, 1.0, 1.0, 1.0, when, 0, {-1: 1})),
    ]
    return delta(tenant, source, (at * 10, at * 10 + 9), _SERIES, cells[: 3 + at % 3], incarnation="first")
