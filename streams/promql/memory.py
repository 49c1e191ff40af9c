"""A storage in memory: for recording rules, for tests of rules, and as a model of what a storage is."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence

from streams.promql.matcher import Matcher
from streams.promql.values import NAME, Labels


class MemorySeries:
    """One series; samples are appended in order of time."""

    __slots__ = ("labels", "timestamps", "values")

    def __init__(self, labels: Mapping[str, str]) -> None:
        self.labels = Labels(labels)
        self.timestamps: list[int] = []
        self.values: list[float] = []

    def append(self, time_ms: int, value: float) -> None:
        """Adds a sample, or replaces the last one if it has the same time."""
        if self.timestamps and self.timestamps[-1] == time_ms:
            self.values[-1] = value
        else:
            self.timestamps.append(time_ms)
            self.values.append(value)

    def samples(self, start_ms: int, end_ms: int) -> tuple[Sequence[int], Sequence[float]]:
        """Those in ``(start_ms, end_ms]``."""
        first, last = bisect_right(self.timestamps, start_ms), bisect_right(self.timestamps, end_ms)
        return self.timestamps[first:last], self.values[first:last]

    def latest(self, start_ms: int, end_ms: int) -> tuple[int, float] | None:
        """The last one in ``(start_ms, end_ms]``."""
        last = bisect_right(self.timestamps, end_ms) - 1
        return (self.timestamps[last], self.values[last]) if last >= 0 and self.timestamps[last] > start_ms else None

    def forget(self, until_ms: int) -> None:
        """Drops the samples up to and including that time."""
        count = bisect_right(self.timestamps, until_ms)
        del self.timestamps[:count], self.values[:count]


class MemoryStorage:
    """Series by their labels, indexed by name."""

    def __init__(self) -> None:
        self.version = 0
        self._series: dict[Labels, MemorySeries] = {}
        self._by_name: dict[str, dict[Labels, MemorySeries]] = {}

    def __iter__(self) -> Iterator[MemorySeries]:
        return iter(self._series.values())

    def series(self, labels: Mapping[str, str]) -> MemorySeries:
        """The series with these labels, new if there is none yet."""
        key = labels if isinstance(labels, Labels) else Labels(labels)
        found = self._series.get(key)
        if found is None:
            found = self._series[key] = MemorySeries(key)
            self._by_name.setdefault(key.get(NAME, ""), {})[key] = found
            self.version += 1
        return found

    def drop(self, labels: Labels) -> None:
        """Removes a series."""
        del self._series[labels]
        del self._by_name[labels.get(NAME, "")][labels]
        self.version += 1

    def select(self, matchers: Sequence[Matcher]) -> Iterable[MemorySeries]:
        """Every series that satisfies all matchers."""
        names = [matcher.value for matcher in matchers if matcher.name == NAME and matcher.op == "="]
        candidates = self._by_name.get(names[0], {}) if names else self._series
        tests = [(matcher.name, matcher.test()) for matcher in matchers]
        return [
            series for labels, series in candidates.items() if all(test(labels.get(name, "")) for name, test in tests)
        ]
