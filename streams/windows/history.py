"""Samples of the series that rules can reach, as a Prometheus server would have scraped them.

A counter shows its running total at the end of every pane, from a zero before its first increment; a gauge its last
value in each pane; a histogram its ``_bucket``, ``_sum`` and ``_count`` totals. At the live edge the pane that is
still open shows what it holds so far. Times are epoch milliseconds of event time.
"""

from collections.abc import Callable, Collection, Sequence

import msgspec

from streams.promql.index import SeriesIndex, Watch
from streams.promql.matcher import Matcher
from streams.promql.values import Labels
from streams.windows.clock import Clock
from streams.windows.counters import Counter, Totals
from streams.windows.gauges import Gauge, Lasts
from streams.windows.histograms import Distribution, Histogram
from streams.windows.panes import Cell, Series

FORGET_MS = 3_600_000
"""A series without a new observation for this long is gone."""


class HistoryState(msgspec.Struct, array_like=True):
    """A history as it is kept in a snapshot."""

    counters: list[tuple[Series, Totals]]
    gauges: list[tuple[Series, Lasts]]
    histograms: list[tuple[Series, Distribution]]
    edge_ms: int


class History:
    """A :class:`streams.promql.storage.WatchableStorage` over the panes of one tenant.

    ``wanted`` tells whether any rule can reach a name; panes of other series are not kept. ``reach_ms`` is how far
    back rules look, which bounds what is kept of each series.
    """

    def __init__(self, wanted: Callable[[str], bool], reach_ms: int) -> None:
        self.wanted = wanted
        self.reach_ms = reach_ms
        self.clock = Clock()
        self._counters: dict[Series, Counter] = {}
        self._gauges: dict[Series, Gauge] = {}
        self._histograms: dict[Series, Histogram] = {}
        self._index: SeriesIndex[Counter | Gauge] = SeriesIndex()

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

    def select(self, matchers: Sequence[Matcher]) -> Sequence[Counter | Gauge]:
        """See :class:`streams.promql.storage.Storage`."""
        return self._index.select(matchers)

    def watch(self, matchers: tuple[Matcher, ...]) -> tuple[Collection[Counter | Gauge], Watch]:
        """See :class:`streams.promql.storage.WatchableStorage`."""
        return self._index.watch(matchers)

    def prune(self, now_ms: int) -> None:
        """Forget what no rule can reach any more, and series that have ended."""
        before, gone = now_ms - self.reach_ms, now_ms - self.reach_ms - FORGET_MS
        for series, counter in list(self._counters.items()):
            if counter.totals.last_ms < gone:
                self._index.remove(self._counters.pop(series))
            counter.totals.prune(before)
        for series, gauge in list(self._gauges.items()):
            if gauge.lasts.last_ms < gone:
                self._index.remove(self._gauges.pop(series))
            gauge.lasts.prune(before)
        for series, histogram in list(self._histograms.items()):
            if histogram.distribution.count.last_ms < gone:
                for shown in self._histograms.pop(series).shown:
                    self._index.remove(shown)
            for totals in histogram.distribution.all():
                totals.prune(before)

    def snapshot(self) -> HistoryState:
        """What :meth:`restore` needs."""
        return HistoryState(
            [(series, counter.totals) for series, counter in self._counters.items()],
            [(series, gauge.lasts) for series, gauge in self._gauges.items()],
            [(series, histogram.distribution) for series, histogram in self._histograms.items()],
            self.clock.edge_ms,
        )

    def restore(self, state: HistoryState) -> None:
        """Go on from a snapshot, in a history that is new."""
        for series, totals in state.counters:
            self._show_counter(series, totals)
        for series, lasts in state.gauges:
            self._show_gauge(series, lasts)
        for series, distribution in state.histograms:
            self._show_histogram(series, distribution)
        self.clock.edge_ms = state.edge_ms

    def __len__(self) -> int:
        return len(self._counters) + len(self._gauges) + len(self._histograms)

    def _counter(self, series: Series, start_ms: int) -> Counter:
        return self._counters.get(series) or self._show_counter(series, Totals(start_ms, series.pane_ms))

    def _gauge(self, series: Series) -> Gauge:
        return self._gauges.get(series) or self._show_gauge(series, Lasts(series.pane_ms))

    def _histogram(self, series: Series, start_ms: int) -> Histogram:
        known = self._histograms.get(series)
        return known or self._show_histogram(series, Distribution.born(start_ms, series.pane_ms))

    def _show_counter(self, series: Series, totals: Totals) -> Counter:
        shown = self._counters[series] = Counter(_labels(series), totals, self.clock)
        self._index.add(shown)
        return shown

    def _show_gauge(self, series: Series, lasts: Lasts) -> Gauge:
        shown = self._gauges[series] = Gauge(_labels(series), lasts, self.clock)
        self._index.add(shown)
        return shown

    def _show_histogram(self, series: Series, distribution: Distribution) -> Histogram:
        histogram = self._histograms[series] = Histogram(_labels(series), distribution, self.clock)
        for shown in histogram.shown:
            self._index.add(shown)
        return histogram


def _labels(series: Series) -> Labels:
    return Labels({"__name__": series.name, **{name: value for name, value in series.labels if value}})
