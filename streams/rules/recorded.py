"""The series that rules themselves write: results of recording rules, ``ALERTS`` and ``ALERTS_FOR_STATE``."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from streams.promql import STALE, Labels, Matcher, MemoryStorage
from streams.promql.memory import MemorySeries
from streams.promql.moment import LOOKBACK_MS, Selection
from streams.promql.values import NAME


class RecordedSeries(msgspec.Struct):
    """A series as it is kept over a restart; times in epoch ms."""

    labels: dict[str, str]
    timestamps: list[int]
    values: list[float]


class _Written(NamedTuple):
    """What a rule gave last time: the results, and for each its series and how far back that is kept."""

    results: dict[Labels, float]
    series: list[tuple[MemorySeries, int]]


class Recorded:
    """Keeps each series for as long as a rule can reach back to it, and for ``keep_ms`` at least."""

    def __init__(self, references: Iterable[Selection], keep_ms: int = LOOKBACK_MS) -> None:
        self._keep_ms = keep_ms
        self.storage = MemoryStorage()
        self._written: dict[str, _Written] = {}
        self._references = list(references)
        self._reach: dict[str, int] = {}

    @property
    def reach_ms(self) -> int:
        """How far back any series is kept."""
        return max([self._keep_ms, *(reach_ms for _, reach_ms in self._references)])

    def write(self, writer: str, results: dict[Labels, float], at_ms: int, now_ms: int) -> None:
        """Appends at ``at_ms`` what a rule gave at ``now_ms``; a series it gave last time only gets a stale marker."""
        before = self._written.get(writer)
        if before is None or before.results is not results:
            if before is None and not results:
                return
            before = self._written[writer] = self._changed(before, results, at_ms)
        for (series, reach_ms), value in zip(before.series, results.values(), strict=True):
            series.append(at_ms, value, now_ms)
            series.forget(at_ms - reach_ms)

    def _changed(self, before: _Written | None, results: dict[Labels, float], at_ms: int) -> _Written:
        for series, _ in before.series if before is not None else ():
            if series.labels not in results:
                series.append(at_ms, STALE)
        found = [(self.storage.series(labels), self._reach_of(labels.get(NAME, ""))) for labels in results]
        return _Written(results, found)

    def forget(self, now_ms: int) -> None:
        """Removes the series that no rule can reach any more."""
        written = {id(series) for each in self._written.values() for series, _ in each.series}
        for series in list(self.storage):
            if id(series) in written:
                continue
            if not series.timestamps or series.timestamps[-1] <= now_ms - self._reach_of(series.labels.get(NAME, "")):
                self.storage.drop(series.labels)

    def snapshot(self) -> list[RecordedSeries]:
        """Every series with its samples."""
        return [RecordedSeries(dict(one.labels), list(one.timestamps), list(one.values)) for one in self.storage]

    def restore(self, series_found: Iterable[RecordedSeries]) -> None:
        """Takes up the series of an earlier process."""
        for kept in series_found:
            series = self.storage.series(kept.labels)
            for time_ms, value in zip(kept.timestamps, kept.values, strict=True):
                series.append(time_ms, value)

    def _reach_of(self, name: str) -> int:
        reach = self._reach.get(name)
        if reach is None:
            reaches = [reach_ms for matchers, reach_ms in self._references if _may_match(matchers, name)]
            reach = self._reach[name] = max([self._keep_ms, *reaches])
        return reach


def _may_match(matchers: Iterable[Matcher], name: str) -> bool:
    return all(matcher.test()(name) for matcher in matchers if matcher.name == NAME)
