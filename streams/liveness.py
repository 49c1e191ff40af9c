"""Silence is a statement: a component that has sent no heartbeat for a while is down."""

from collections.abc import Iterator

from streams.panes import Cell, Series

SILENT_MS = 30_000
"""After this long without a heartbeat a component is down."""

FORGET_MS = 86_400_000
"""After a day of silence a component is taken to be gone for good."""


class Liveness:
    """The last heartbeat of every ``up`` series of a tenant. Times in epoch milliseconds of event time."""

    def __init__(self) -> None:
        self.last_ms: dict[Series, int] = {}

    def merge(self, series: Series, cell: Cell) -> None:
        """Take note of heartbeats; other series are none."""
        if series.name == "up" and series.kind == "gauge":
            self.last_ms[series] = max(self.last_ms.get(series, 0), cell.last_ms)

    def silent(self, now_ms: int) -> Iterator[Series]:
        """The components that are down because they are silent at ``now_ms``."""
        for series, last in list(self.last_ms.items()):
            if now_ms - last > FORGET_MS:
                del self.last_ms[series]
            elif now_ms - last > SILENT_MS:
                yield series
