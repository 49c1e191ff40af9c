"""Silence is a statement: a component that has sent no heartbeat for a while is down."""

from bisect import bisect_right, insort
from collections.abc import Iterator

from streams.promql.storage import FOREVER
from streams.windows.panes import Cell, Series

SILENT_MS = 30_000
"""After this long without a heartbeat a component is down."""

FORGET_MS = 86_400_000
"""After a day of silence a component is taken to be gone for good."""


class Liveness:
    """The heartbeats of every ``up`` series of a tenant. Times in epoch milliseconds of event time.

    Heartbeats ahead of the clock are kept as well: while catching up, they must not hide a silence before them.
    """

    def __init__(self) -> None:
        self.beats_ms: dict[Series, list[int]] = {}
        """Ascending: the last one that the clock has passed, and those ahead of it."""

    def merge(self, series: Series, cell: Cell) -> None:
        """Take note of heartbeats; other series are none."""
        if series.name == "up" and series.kind == "gauge":
            insort(self.beats_ms.setdefault(series, []), cell.last_ms)

    def silent(self, now_ms: int) -> Iterator[Series]:
        """The components that are down because they are silent at ``now_ms``."""
        for series, beats in list(self.beats_ms.items()):
            passed = bisect_right(beats, now_ms)
            if not passed:
                continue
            del beats[: passed - 1]
            if now_ms - beats[-1] > FORGET_MS:
                del self.beats_ms[series]
            elif now_ms - beats[0] > SILENT_MS:
                yield series

    def next_ms(self, now_ms: int) -> int:
        """When other components are silent than at ``now_ms``, if nothing is merged before."""
        earliest = FOREVER
        for beats in self.beats_ms.values():
            passed = bisect_right(beats, now_ms)
            if passed < len(beats):
                earliest = min(earliest, beats[passed])
            if passed:
                last = beats[passed - 1]
                earliest = min(earliest, last + (SILENT_MS if now_ms - last <= SILENT_MS else FORGET_MS) + 1)
        return earliest
