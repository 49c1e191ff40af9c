"""Samples of the series that rules can reach, as a Prometheus server would have scraped them.

A counter shows its running total at the end of every pane, from a zero before its first increment; a gauge its last
value in each pane; a histogram its ``_bucket``, ``_sum`` and ``_count`` totals. At the live edge the pane that is
still open shows what it holds so far. Times are epoch milliseconds of event time.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain

import msgspec

from streams.promql.matcher import Matcher, matches_all
from streams.windows.panes import Cell, Series
from streams.windows.sketch import count_at_most

LE_BOUNDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0),
    *(100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10000.0),
)
"""Upper bounds of the classic buckets that rules see: Prometheus' defaults, continued to milliseconds' range."""

FORGET_MS = 3_600_000
"""A series without a new observation for this long is gone."""


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


class _Counter:
    """A view of totals as a series of samples at pane ends, and one at ``now`` while a pane is open."""

    __slots__ = ("_clock", "_totals", "labels")

    def __init__(self, labels: Mapping[str, str], totals: Totals, clock: "Clock") -> None:
        self.labels = labels
        self._totals = totals
        self._clock = clock

    def samples(self, start_ms: int, end_ms: int) -> tuple[Sequence[int], Sequence[float]]:
        totals, width, now = self._totals, self._totals.pane_ms, self._clock.now_ms
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
        totals, now = self._totals, self._clock.now_ms
        if now < totals.born_ms:
            return None
        shown = self._open() if start_ms < now <= end_ms else None
        if shown is not None:
            return now, shown
        end = min(end_ms, now)
        time = end - end % totals.pane_ms
        value = totals.at(time)
        return None if value is None or time <= start_ms else (time, value)

    def _open(self) -> float | None:
        """The total with the pane that is open now, when that may be shown."""
        index = self._clock.open_pane(self._totals.ends, self._totals.pane_ms)
        return None if index is None else self._totals.totals[index]


class Lasts(msgspec.Struct, array_like=True):
    """The last value in each pane: what a gauge is."""

    pane_ms: int
    last_ms: int = 0
    ends: list[int] = []
    values: list[float] = []
    event_ms: list[int] = []

    def add(self, start_ms: int, value: float, event_ms: int) -> None:
        """``value`` was observed at ``event_ms`` in the pane that starts at ``start_ms``."""
        end = start_ms + self.pane_ms
        self.last_ms = max(self.last_ms, event_ms)
        at = bisect_left(self.ends, end)
        if at == len(self.ends) or self.ends[at] != end:
            self.ends.insert(at, end)
            self.values.insert(at, value)
            self.event_ms.insert(at, event_ms)
        elif event_ms >= self.event_ms[at]:
            self.values[at], self.event_ms[at] = value, event_ms

    def prune(self, before_ms: int) -> None:
        """Forget samples before an instant, but for the last one."""
        index = min(bisect_right(self.ends, before_ms), len(self.ends) - 1)
        if index > 0:
            del self.ends[:index], self.values[:index], self.event_ms[:index]


class _Gauge:
    """A view of last values as a series of samples at pane ends, and one at ``now`` while a pane is open."""

    __slots__ = ("_clock", "_lasts", "labels")

    def __init__(self, labels: Mapping[str, str], lasts: Lasts, clock: "Clock") -> None:
        self.labels = labels
        self._lasts = lasts
        self._clock = clock

    def samples(self, start_ms: int, end_ms: int) -> tuple[Sequence[int], Sequence[float]]:
        ends, now = self._lasts.ends, self._clock.now_ms
        low, high = bisect_right(ends, start_ms), bisect_right(ends, min(end_ms, now))
        times, values = ends[low:high], self._lasts.values[low:high]
        shown = self._clock.open_pane(ends, self._lasts.pane_ms)
        if shown is not None and start_ms < now <= end_ms and (not times or times[-1] < now):
            times.append(now)
            values.append(self._lasts.values[shown])
        return times, values

    def latest(self, start_ms: int, end_ms: int) -> tuple[int, float] | None:
        times, values = self.samples(start_ms, end_ms)
        return (times[-1], values[-1]) if times else None


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

    def add(self, start_ms: int, cell: Cell) -> None:
        """Add a pane's distribution."""
        self.count.add(start_ms, cell.count)
        self.sum.add(start_ms, cell.sum)
        for bound, totals in zip(LE_BOUNDS, self.buckets, strict=True):
            if below := count_at_most(bound, cell.positive, cell.negative, cell.zeros):
                totals.add(start_ms, below)


class HistoryState(msgspec.Struct, array_like=True):
    """A history as it is kept in a snapshot."""

    counters: list[tuple[Series, Totals]]
    gauges: list[tuple[Series, Lasts]]
    histograms: list[tuple[Series, Distribution]]
    edge_ms: int


class History:
    """A :class:`streams.promql.storage.Storage` over the panes of one tenant.

    ``wanted`` tells whether any rule can reach a name; panes of other series are not kept. ``reach_ms`` is how far
    back rules look, which bounds what is kept of each series.
    """

    def __init__(self, wanted: Callable[[str], bool], reach_ms: int) -> None:
        self.wanted = wanted
        self.reach_ms = reach_ms
        self.clock = Clock()
        self.version = 0
        self._counters: dict[Series, Totals] = {}
        self._gauges: dict[Series, Lasts] = {}
        self._histograms: dict[Series, Distribution] = {}
        self._by_name: dict[str, list[_Counter | _Gauge]] = {}
        self._selected: dict[tuple[Matcher, ...], list[_Counter | _Gauge]] = {}

    def merge(self, series: Series, start_ms: int, cell: Cell) -> None:
        """Add a pane of a series."""
        if series.kind == "histogram":
            if any(self.wanted(series.name + suffix) for suffix in ("_bucket", "_sum", "_count")):
                self._histogram(series, start_ms).add(start_ms, cell)
        elif self.wanted(series.name):
            if series.kind == "counter":
                self._counter(series, start_ms).add(start_ms, cell.sum)
            else:
                self._gauge(series).add(start_ms, cell.last, cell.last_ms)

    def set(self, series: Series, at_ms: int, value: float) -> None:
        """A gauge that Tidewatch computes has ``value`` at an instant."""
        if self.wanted(series.name):
            self._gauge(series).add(at_ms - series.pane_ms, value, at_ms)

    def select(self, matchers: Sequence[Matcher]) -> Iterable[_Counter | _Gauge]:
        """See :class:`streams.promql.storage.Storage`."""
        key = tuple(matchers)
        found = self._selected.get(key)
        if found is None:
            names = [m.value for m in key if m.name == "__name__" and m.op == "="]
            candidates: Iterable[_Counter | _Gauge] = (
                self._by_name.get(names[0], []) if names else chain.from_iterable(self._by_name.values())
            )
            found = [series for series in candidates if matches_all(key, series.labels)]
            self._selected[key] = found
        return found

    def prune(self, now_ms: int) -> None:
        """Forget what no rule can reach any more, and series that have ended."""
        before, gone = now_ms - self.reach_ms, now_ms - self.reach_ms - FORGET_MS
        ended = [s for s, totals in self._counters.items() if totals.last_ms < gone]
        ended += [s for s, gauge in self._gauges.items() if gauge.last_ms < gone]
        ended += [s for s, histogram in self._histograms.items() if histogram.count.last_ms < gone]
        for totals in self._counters.values():
            totals.prune(before)
        for gauge in self._gauges.values():
            gauge.prune(before)
        for histogram in self._histograms.values():
            for totals in histogram.all():
                totals.prune(before)
        if ended:
            for series in ended:
                self._counters.pop(series, None)
                self._gauges.pop(series, None)
                self._histograms.pop(series, None)
            self._index()

    def snapshot(self) -> HistoryState:
        """What :meth:`restore` needs."""
        return HistoryState(
            list(self._counters.items()),
            list(self._gauges.items()),
            list(self._histograms.items()),
            self.clock.edge_ms,
        )

    def restore(self, state: HistoryState) -> None:
        """Go on from a snapshot."""
        self._counters, self._gauges = dict(state.counters), dict(state.gauges)
        self._histograms = dict(state.histograms)
        self.clock.edge_ms = state.edge_ms
        self._index()

    def __len__(self) -> int:
        return len(self._counters) + len(self._gauges) + len(self._histograms)

    def _counter(self, series: Series, start_ms: int) -> Totals:
        totals = self._counters.get(series)
        if totals is None:
            totals = self._counters[series] = Totals(start_ms, series.pane_ms)
            self._show(_Counter({"__name__": series.name, **_labels(series)}, totals, self.clock))
        return totals

    def _gauge(self, series: Series) -> Lasts:
        gauge = self._gauges.get(series)
        if gauge is None:
            gauge = self._gauges[series] = Lasts(series.pane_ms)
            self._show(_Gauge({"__name__": series.name, **_labels(series)}, gauge, self.clock))
        return gauge

    def _histogram(self, series: Series, start_ms: int) -> Distribution:
        histogram = self._histograms.get(series)
        if histogram is None:
            histogram = self._histograms[series] = Distribution.born(start_ms, series.pane_ms)
            self._show_histogram(series, histogram)
        return histogram

    def _show_histogram(self, series: Series, histogram: Distribution) -> None:
        labels = _labels(series)
        for bound, totals in zip((*LE_BOUNDS, float("inf")), (*histogram.buckets, histogram.count), strict=True):
            le = "+Inf" if bound == float("inf") else f"{bound:g}"
            self._show(_Counter({"__name__": f"{series.name}_bucket", **labels, "le": le}, totals, self.clock))
        self._show(_Counter({"__name__": f"{series.name}_sum", **labels}, histogram.sum, self.clock))
        self._show(_Counter({"__name__": f"{series.name}_count", **labels}, histogram.count, self.clock))

    def _show(self, series: _Counter | _Gauge) -> None:
        self._by_name.setdefault(series.labels["__name__"], []).append(series)
        self._selected.clear()
        self.version += 1

    def _index(self) -> None:
        """Rebuild what can be selected, after series have ended."""
        self._by_name.clear()
        self._selected.clear()
        self.version += 1
        for series, totals in self._counters.items():
            self._show(_Counter({"__name__": series.name, **_labels(series)}, totals, self.clock))
        for series, lasts in self._gauges.items():
            self._show(_Gauge({"__name__": series.name, **_labels(series)}, lasts, self.clock))
        for series, histogram in self._histograms.items():
            self._show_histogram(series, histogram)


def _labels(series: Series) -> dict[str, str]:
    return {name: value for name, value in series.labels if value}
