"""A storage in memory: for recording rules, for tests of rules, and as a model of what a storage is."""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from math import copysign

from streams.promql.index import SeriesIndex, Watch, announce, announce_sample
from streams.promql.matcher import Matcher
from streams.promql.moment import LOOKBACK_MS
from streams.promql.storage import FOREVER, Ends, ends_of, without_stale
from streams.promql.values import Labels


class MemorySeries:
    """One series; samples are appended in order of time."""

    __slots__ = ("labels", "timestamps", "values", "watches")
    spacing_ms = 0

    def __init__(self, labels: Mapping[str, str]) -> None:
        self.labels = labels if isinstance(labels, Labels) else Labels(labels)
        self.timestamps: list[int] = []
        self.values: list[float] = []
        self.watches: list[Watch] = []

    def append(self, time_ms: int, value: float, now_ms: int = 0) -> None:
        """Adds a sample, or replaces the last one if it has the same time.

        ``now_ms``: the latest time that anybody has looked at, if that is later.
        """
        timestamps, values = self.timestamps, self.values
        goes_on = False
        if timestamps and timestamps[-1] == time_ms:
            values[-1] = value
        else:
            is_present = bool(timestamps) and max(time_ms, now_ms) - timestamps[-1] < LOOKBACK_MS
            goes_on = is_present and is_same(values[-1], value)
            timestamps.append(time_ms)
            values.append(value)
        (announce_sample if goes_on else announce)(self.watches)

    def samples(self, start_ms: int, end_ms: int) -> tuple[Sequence[int], Sequence[float]]:
        """Those in ``(start_ms, end_ms]``."""
        first, last = bisect_right(self.timestamps, start_ms), bisect_right(self.timestamps, end_ms)
        return self.timestamps[first:last], self.values[first:last]

    def latest(self, start_ms: int, end_ms: int) -> tuple[int, float] | None:
        """The last one in ``(start_ms, end_ms]``."""
        last = bisect_right(self.timestamps, end_ms) - 1
        return (self.timestamps[last], self.values[last]) if last >= 0 and self.timestamps[last] > start_ms else None

    def ends(self, start_ms: int, end_ms: int) -> Ends | None:
        """Of those in ``(start_ms, end_ms]`` that are no stale markers."""
        return ends_of(*without_stale(*self.samples(start_ms, end_ms)))

    def next_sample(self, after_ms: int) -> int:
        """The time of the next one."""
        index = bisect_right(self.timestamps, after_ms)
        return self.timestamps[index] if index < len(self.timestamps) else FOREVER

    next_change = next_sample

    def forget(self, until_ms: int) -> None:
        """Drops the samples up to and including that time, which nobody can reach any more."""
        count = bisect_right(self.timestamps, until_ms)
        del self.timestamps[:count], self.values[:count]


def is_same(before: float, after: float) -> bool:
    """Whether two values cannot be told apart by any operation; never so of NaN."""
    return before == after and (before != 0 or copysign(1.0, before) == copysign(1.0, after))


class MemoryStorage:
    """Series by their labels, indexed by name."""

    def __init__(self) -> None:
        self._series: dict[Labels, MemorySeries] = {}
        self._index: SeriesIndex[MemorySeries] = SeriesIndex()

    def __iter__(self) -> Iterator[MemorySeries]:
        return iter(self._series.values())

    def series(self, labels: Mapping[str, str]) -> MemorySeries:
        """The series with these labels, new if there is none yet."""
        key = labels if isinstance(labels, Labels) else Labels(labels)
        found = self._series.get(key)
        if found is None:
            found = self._series[key] = MemorySeries(key)
            self._index.add(found)
        return found

    def drop(self, labels: Labels) -> None:
        """Removes a series."""
        self._index.remove(self._series.pop(labels))

    def select(self, matchers: Sequence[Matcher]) -> Sequence[MemorySeries]:
        """Every series that satisfies all matchers."""
        return self._index.select(matchers)

    def watch(self, matchers: tuple[Matcher, ...]) -> tuple[Collection[MemorySeries], Watch]:
        """See :class:`streams.promql.storage.WatchableStorage`."""
        return self._index.watch(matchers)
