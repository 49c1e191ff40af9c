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


class Stored(NamedTuple):
    """A sample of a recording rule that is to be stored; ``ended``: the rule no longer gave the series from then on."""

    labels: Labels
    at_ms: int
    value: float
    ended: bool


class Recorded:
    """Keeps each series for as long as a rule can reach back to it, and for ``keep_ms`` at least.

    ``store_every_ms``: how far apart the samples stand that are to be stored; 0: none is.
    """

    def __init__(self, references: Iterable[Selection], keep_ms: int = LOOKBACK_MS, store_every_ms: int = 0) -> None:
        self._keep_ms = keep_ms
        self._store_every_ms = store_every_ms
        self._waiting: list[Stored] = []
        self.storage = MemoryStorage()
        self._written: dict[str, _Written] = {}
        self._references = list(references)
        self._reach: dict[str, int] = {}

    @property
    def reach_ms(self) -> int:
        """How far back any series is kept."""
        return max([self._keep_ms, *(reach_ms for _, reach_ms in self._references)])

    def write(self, writer: str, results: dict[Labels, float], at_ms: int, now_ms: int, every_ms: int = 0) -> None:
        """Appends at ``at_ms`` what a rule gave at ``now_ms``; a series it gave last time only gets a stale marker.

        ``every_ms``: how often a recording rule gives something; 0: of alerts.
        """
        self._write(writer, results, at_ms, now_ms, is_stored=every_ms > 0 and self._store_every_ms > 0)
        # Which samples are stored depends on the time alone: whoever evaluates again stores the same ones.
        if every_ms and self._store_every_ms and now_ms % self._store_every_ms < every_ms:
            self._waiting += [Stored(labels, at_ms, value, False) for labels, value in results.items()]

    def take(self) -> list[Stored]:
        """What is to be stored since the last time."""
        taken, self._waiting = self._waiting, []
        return taken

    def _write(self, writer: str, results: dict[Labels, float], at_ms: int, now_ms: int, is_stored: bool) -> None:
        before = self._written.get(writer)
        if before is None or before.results is not results:
            if before is None and not results:
                return
            before = self._written[writer] = self._changed(before, results, at_ms, is_stored)
        for (series, reach_ms), value in zip(before.series, results.values(), strict=True):
            series.append(at_ms, value, now_ms)
            series.forget(at_ms - reach_ms)

    def _changed(self, before: _Written | None, results: dict[Labels, float], at_ms: int, is_stored: bool) -> _Written:
        for series, _ in before.series if before is not None else ():
            if series.labels not in results:
                series.append(at_ms, STALE)
                if is_stored:
                    self._waiting.append(Stored(series.labels, at_ms, 0.0, True))
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

    def written(self) -> dict[str, list[dict[str, str]]]:
        """The series that each rule gave last time."""
        found = {writer: [dict(labels) for labels in each.results] for writer, each in self._written.items()}
        return {writer: labels for writer, labels in found.items() if labels}

    def snapshot(self) -> list[RecordedSeries]:
        """Every series with its samples."""
        return [RecordedSeries(dict(one.labels), list(one.timestamps), list(one.values)) for one in self.storage]

    def restore(self, series_found: Iterable[RecordedSeries], written: dict[str, list[dict[str, str]]]) -> None:
        """Takes up the series of an earlier process, and which of them each rule gave last time."""
        for kept in series_found:
            series = self.storage.series(kept.labels)
            for time_ms, value in zip(kept.timestamps, kept.values, strict=True):
                series.append(time_ms, value)
        for writer, label_sets in written.items():
            series_of = [(self.storage.series(labels), 0) for labels in label_sets]
            self._written[writer] = _Written({series.labels: 0.0 for series, _ in series_of}, series_of)

    def _reach_of(self, name: str) -> int:
        reach = self._reach.get(name)
        if reach is None:
            reaches = [reach_ms for matchers, reach_ms in self._references if _may_match(matchers, name)]
            reach = self._reach[name] = max([self._keep_ms, *reaches])
        return reach


def _may_match(matchers: Iterable[Matcher], name: str) -> bool:
    return all(matcher.test()(name) for matcher in matchers if matcher.name == NAME)
