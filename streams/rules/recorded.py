"""The series that rules themselves write: results of recording rules, ``ALERTS`` and ``ALERTS_FOR_STATE``."""

from collections.abc import Iterable

import msgspec

from streams.promql import STALE, Labels, Matcher, MemoryStorage
from streams.promql.moment import LOOKBACK_MS, Selection
from streams.promql.values import NAME


class RecordedSeries(msgspec.Struct):
    """A series as it is kept over a restart; times in epoch ms."""

    labels: dict[str, str]
    timestamps: list[int]
    values: list[float]


class Recorded:
    """Keeps each series for as long as a rule can reach back to it, and for ``keep_ms`` at least."""

    def __init__(self, references: Iterable[Selection], keep_ms: int = LOOKBACK_MS) -> None:
        self._keep_ms = keep_ms
        self.storage = MemoryStorage()
        self._present: dict[str, dict[Labels, None]] = {}
        self._references = list(references)
        self._reach: dict[str, int] = {}

    def write(self, writer: str, results: dict[Labels, float], at_ms: int) -> None:
        """Appends what a rule gave; a series it gave last time and not now gets a stale marker."""
        for labels in self._present.get(writer, {}):
            if labels not in results:
                self.storage.series(labels).append(at_ms, STALE)
        for labels, value in results.items():
            series = self.storage.series(labels)
            series.append(at_ms, value)
            series.forget(at_ms - self._reach_of(labels.get(NAME, "")))
        self._present[writer] = dict.fromkeys(results)

    def has(self, writer: str) -> bool:
        """Whether a rule gave anything last time."""
        return bool(self._present.get(writer))

    def forget(self, now_ms: int) -> None:
        """Removes the series that no rule can reach any more."""
        for series in list(self.storage):
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
