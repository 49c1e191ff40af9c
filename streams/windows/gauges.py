"""Gauges as rules see them: the last value in each pane. Times in epoch ms of event time."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import msgspec

from streams.promql.index import Watch, announce, announce_sample
from streams.promql.memory import is_same
from streams.promql.moment import LOOKBACK_MS
from streams.promql.storage import Ends, ends_of, without_stale
from streams.promql.values import Labels
from streams.windows.clock import Clock


class Lasts(msgspec.Struct, array_like=True):
    """The last value in each pane: what a gauge is."""

    pane_ms: int
    last_ms: int = 0
    ends: list[int] = []
    values: list[float] = []
    event_ms: list[int] = []

    def add(self, start_ms: int, value: float, event_ms: int, now_ms: int) -> bool:
        """``value`` was observed at ``event_ms`` in the pane that starts at ``start_ms``.

        False when whoever has looked until now for the latest value finds the same as before.
        """
        end = start_ms + self.pane_ms
        self.last_ms = max(self.last_ms, event_ms)
        at = bisect_left(self.ends, end)
        if at == len(self.ends) or self.ends[at] != end:
            self.ends.insert(at, end)
            self.values.insert(at, value)
            self.event_ms.insert(at, event_ms)
            is_present = at > 0 and max(end, now_ms) - self.ends[at - 1] < LOOKBACK_MS
            return not (is_present and is_same(self.values[at - 1], value))
        if event_ms < self.event_ms[at]:
            return False
        before, self.values[at], self.event_ms[at] = self.values[at], value, event_ms
        return not is_same(before, value)

    def prune(self, before_ms: int) -> None:
        """Forget samples before an instant, but for the last one."""
        index = min(bisect_right(self.ends, before_ms), len(self.ends) - 1)
        if index > 0:
            del self.ends[:index], self.values[:index], self.event_ms[:index]


class Gauge:
    """A view of last values as a series of samples at pane ends, and one at ``now`` while a pane is open."""

    __slots__ = ("_clock", "labels", "lasts", "watches")
    spacing_ms = 0

    def __init__(self, labels: Labels, lasts: Lasts, clock: Clock) -> None:
        self.labels = labels
        self.lasts = lasts
        self.watches: list[Watch] = []
        self._clock = clock

    def add(self, start_ms: int, value: float, event_ms: int) -> None:
        """See :meth:`Lasts.add`."""
        if self.lasts.add(start_ms, value, event_ms, self._clock.now_ms):
            announce(self.watches)
        else:
            announce_sample(self.watches)

    def samples(self, start_ms: int, end_ms: int) -> tuple[Sequence[int], Sequence[float]]:
        """Those in ``(start_ms, end_ms]``."""
        ends, now = self.lasts.ends, self._clock.now_ms
        low, high = bisect_right(ends, start_ms), bisect_right(ends, min(end_ms, now))
        times, values = ends[low:high], self.lasts.values[low:high]
        if start_ms < now <= end_ms and (not times or times[-1] < now):
            shown = self._open()
            if shown is not None:
                times.append(now)
                values.append(shown)
        return times, values

    def latest(self, start_ms: int, end_ms: int) -> tuple[int, float] | None:
        """The last one in ``(start_ms, end_ms]``."""
        ends, now = self.lasts.ends, self._clock.now_ms
        index = bisect_right(ends, end_ms if end_ms < now else now) - 1
        if start_ms < now <= end_ms and (index < 0 or ends[index] < now):
            shown = self._open()
            if shown is not None:
                return now, shown
        return (ends[index], self.lasts.values[index]) if index >= 0 and ends[index] > start_ms else None

    def ends(self, start_ms: int, end_ms: int) -> Ends | None:
        """Of those in ``(start_ms, end_ms]``."""
        return ends_of(*without_stale(*self.samples(start_ms, end_ms)))

    def next_sample(self, after_ms: int) -> int:
        """When the next pane may be seen; at once while an open one is shown, whose sample moves with time."""
        if after_ms >= self._clock.now_ms and self._open() is not None:
            return after_ms + 1
        return self.next_change(after_ms)

    def next_change(self, after_ms: int) -> int:
        """When the next pane may be seen."""
        return self._clock.next_pane(self.lasts.ends, self.lasts.pane_ms, after_ms)

    def _open(self) -> float | None:
        """The value in the pane that is open now, when that may be shown."""
        ends = self.lasts.ends
        if not ends or ends[-1] <= self._clock.now_ms:
            return None
        index = self._clock.open_pane(ends, self.lasts.pane_ms)
        return None if index is None else self.lasts.values[index]
