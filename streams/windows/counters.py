"""Counters as rules see them: running totals, sampled at the ends of panes. Times in epoch ms of event time."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from streams.promql.index import Watch, announce
from streams.promql.storage import Ends, ends_of
from streams.promql.values import Labels
from streams.windows.clock import Clock


class Totals(msgspec.Struct, array_like=True):
    """Running totals of one number: what a counter is. Kept at the ends of panes in which it changed."""

    born_ms: int
    pane_ms: int
    last_ms: int = 0
    floor: float = 0.0
    ends: list[int] = []
    totals: list[float] = []

    def add(self, start_ms: int, amount: float) -> None:
        """Something happened in the pane that starts at ``start_ms``; late panes raise every total after them."""
        end, ends, totals = start_ms + self.pane_ms, self.ends, self.totals
        self.born_ms = min(self.born_ms, start_ms)
        self.last_ms = max(self.last_ms, end)
        if ends and end == ends[-1]:
            totals[-1] += amount
            return
        at = bisect_left(ends, end)
        if at == len(ends) or ends[at] != end:
            ends.insert(at, end)
            totals.insert(at, totals[at - 1] if at else self.floor)
        for later in range(at, len(totals)):
            totals[later] += amount

    def at(self, now_ms: int) -> float | None:
        """The total at an instant; None before the series began."""
        index = bisect_right(self.ends, now_ms)
        if index:
            return self.totals[index - 1]
        return self.floor if now_ms >= self.born_ms else None

    def prune(self, before_ms: int) -> None:
        """Forget the steps before an instant, keeping the total."""
        index = bisect_right(self.ends, before_ms) - 1
        if index > 0:
            self.floor = self.totals[index - 1]
            self.born_ms = min(self.born_ms, self.ends[0])
            del self.ends[:index], self.totals[:index]


class Counter:
    """A view of totals as a series of samples at pane ends, and one at ``now`` while a pane is open."""

    __slots__ = ("_clock", "_falls", "labels", "totals", "watches")

    def __init__(self, labels: Labels, totals: Totals, clock: Clock) -> None:
        self.labels = labels
        self.totals = totals
        self.watches: list[Watch] = []
        self._clock = clock
        self._falls = any(after < before for before, after in pairwise([totals.floor, *totals.totals]))
        """Whether something negative was ever added."""

    @property
    def spacing_ms(self) -> int:
        """The width of its panes."""
        return self.totals.pane_ms

    def add(self, start_ms: int, amount: float) -> None:
        """See :meth:`Totals.add`."""
        self.totals.add(start_ms, amount)
        self._falls = self._falls or amount < 0
        announce(self.watches)

    def samples(self, start_ms: int, end_ms: int) -> tuple[Sequence[int], Sequence[float]]:
        """Those in ``(start_ms, end_ms]``."""
        totals, width, now = self.totals, self.totals.pane_ms, self._clock.now_ms
        first = max(start_ms + 1, totals.born_ms)
        times = list(range(first + -first % width, min(end_ms, now) + 1, width))
        values: list[float] = []
        index = bisect_right(totals.ends, times[0]) if times else 0
        ends, steps, count = totals.ends, totals.totals, len(totals.ends)
        for time in times:
            while index < count and ends[index] <= time:
                index += 1
            values.append(steps[index - 1] if index else totals.floor)
        shown = self._open()
        if shown is not None and start_ms < now <= end_ms and (not times or times[-1] < now):
            times.append(now)
            values.append(shown)
        return times, values

    def latest(self, start_ms: int, end_ms: int) -> tuple[int, float] | None:
        """The last one in ``(start_ms, end_ms]``."""
        totals, now = self.totals, self._clock.now_ms
        if now < totals.born_ms:
            return None
        shown = self._open() if start_ms < now <= end_ms else None
        if shown is not None:
            return now, shown
        end = min(end_ms, now)
        time = end - end % totals.pane_ms
        value = totals.at(time)
        return None if value is None or time <= start_ms else (time, value)

    def ends(self, start_ms: int, end_ms: int) -> Ends | None:
        """The first and the last one in ``(start_ms, end_ms]``, without looking at those between."""
        totals, now = self.totals, self._clock.now_ms
        if self._falls:
            return ends_of(*self.samples(start_ms, end_ms))
        width, ends, steps = totals.pane_ms, totals.ends, totals.totals
        first = start_ms + 1 if start_ms >= totals.born_ms else totals.born_ms
        first += -first % width
        last = end_ms if end_ms < now else now
        last -= last % width
        number = (last - first) // width + 1 if last >= first else 0
        value = 0.0
        if number:
            index = bisect_right(ends, last)
            value = steps[index - 1] if index else totals.floor
        if last < now <= end_ms and start_ms < now:
            shown = self._open()
            if shown is not None:
                number, last, value = number + 1, now, shown
        if number < 2:
            return Ends(1, last, value, last, value, 0.0) if number else None
        index = bisect_right(ends, first)
        return Ends(number, first, steps[index - 1] if index else totals.floor, last, value, 0.0)

    def next_sample(self, after_ms: int) -> int:
        """The end of the next pane; at once while an open one is shown, whose sample moves with time."""
        if after_ms >= self._clock.now_ms and self._open() is not None:
            return after_ms + 1
        first = max(after_ms + 1, self.totals.born_ms)
        shown = self._clock.next_pane(self.totals.ends, self.totals.pane_ms, after_ms)
        return min(first + -first % self.totals.pane_ms, shown)

    def next_change(self, after_ms: int) -> int:
        """When the next pane that holds something may be seen, or the series begins."""
        totals = self.totals
        begins = totals.born_ms + -totals.born_ms % totals.pane_ms
        if after_ms < begins:
            return after_ms + 1 if after_ms >= totals.born_ms else totals.born_ms
        return self._clock.next_pane(totals.ends, totals.pane_ms, after_ms)

    def _open(self) -> float | None:
        """The total with the pane that is open now, when that may be shown."""
        ends = self.totals.ends
        if not ends or ends[-1] <= self._clock.now_ms:
            return None
        index = self._clock.open_pane(ends, self.totals.pane_ms)
        return None if index is None else self.totals.totals[index]
