"""Histograms as rules see them: classic buckets, count and sum, each a counter. Times in epoch ms of event time."""

from collections.abc import Iterator

import msgspec

from streams.promql.index import announce
from streams.promql.values import NAME, Labels
from streams.windows.clock import Clock
from streams.windows.counters import Counter, Totals
from streams.windows.panes import Cell
from streams.windows.sketch import count_at_most

LE_BOUNDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0),
    *(100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10000.0),
)
"""Upper bounds of the classic buckets that rules see: Prometheus' defaults, continued to milliseconds' range."""


class Distribution(msgspec.Struct, array_like=True):
    """Totals of a histogram's count, sum and classic buckets."""

    count: Totals
    sum: Totals
    buckets: list[Totals]

    @classmethod
    def born(cls, start_ms: int, pane_ms: int) -> "Distribution":
        """Nothing counted yet."""
        empty = [Totals(start_ms, pane_ms) for _ in range(len(LE_BOUNDS) + 2)]
        return cls(empty[0], empty[1], empty[2:])

    def all(self) -> Iterator[Totals]:
        """Every running total."""
        return iter((self.count, self.sum, *self.buckets))


class Histogram:
    """A distribution and the counters that show it."""

    __slots__ = ("_buckets", "_count", "_sum", "distribution")

    def __init__(self, labels: Labels, distribution: Distribution, clock: Clock) -> None:
        name = labels[NAME]

        def counter(suffix: str, totals: Totals, **le: str) -> Counter:
            return Counter(Labels({**labels, NAME: name + suffix, **le}), totals, clock)

        self.distribution = distribution
        self._count = counter("_count", distribution.count)
        self._sum = counter("_sum", distribution.sum)
        pairs = zip(LE_BOUNDS, distribution.buckets, strict=True)
        self._buckets = [counter("_bucket", totals, le=f"{bound:g}") for bound, totals in pairs]
        self._buckets.append(counter("_bucket", distribution.count, le="+Inf"))

    @property
    def shown(self) -> list[Counter]:
        """The series that rules see."""
        return [*self._buckets, self._sum, self._count]

    def add(self, start_ms: int, cell: Cell) -> None:
        """Add a pane's distribution."""
        self._count.add(start_ms, cell.count)
        announce(self._buckets[-1].watches)
        self._sum.add(start_ms, cell.sum)
        for bound, counter in zip(LE_BOUNDS, self._buckets[:-1], strict=True):
            if below := count_at_most(bound, cell.positive, cell.negative, cell.zeros):
                counter.add(start_ms, below)
