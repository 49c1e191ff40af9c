"""The instant at which rules look at the samples of a tenant. Epoch milliseconds of event time."""

from bisect import bisect_right

from streams.promql.storage import FOREVER


class Clock:
    """The instant at which a history is looked at.

    Catching up, instants long gone are looked at when everything after them is known; a pane counts for them when it
    has ended. At the live edge (``edge_ms``: the latest instant that was one) the pane that is still open is shown, and
    what has been shown stays shown, or an alert that it raised would end a second later and begin again.
    """

    __slots__ = ("edge_ms", "now_ms")

    def __init__(self) -> None:
        self.now_ms = 0
        self.edge_ms = 0

    def set(self, now_ms: int, live: bool) -> None:
        """Look at ``now_ms``."""
        self.now_ms = now_ms
        if live:
            self.edge_ms = now_ms

    def shows(self, start_ms: int, end_ms: int) -> bool:
        """Whether what happened in a pane counts now."""
        return end_ms <= self.now_ms or start_ms <= self.edge_ms

    def open_pane(self, ends: list[int], pane_ms: int) -> int | None:
        """The index of the pane that has not ended now but is shown."""
        index = bisect_right(ends, self.now_ms)
        return index if index < len(ends) and self.shows(ends[index] - pane_ms, ends[index]) else None

    def next_pane(self, ends: list[int], pane_ms: int, after_ms: int) -> int:
        """The earliest time at which a pane may be seen that is not seen by a look at ``after_ms``."""
        index = bisect_right(ends, after_ms)
        if index == len(ends):
            return FOREVER
        if after_ms < self.now_ms:
            return ends[index]
        if self.shows(ends[index] - pane_ms, ends[index]):
            index += 1
        # The live edge may be reached at any time: a pane can be shown as soon as it has begun.
        return max(ends[index] - pane_ms, after_ms + 1) if index < len(ends) else FOREVER
