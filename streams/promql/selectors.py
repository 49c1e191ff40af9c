"""Selectors: the last sample of each series, the samples of a range, and subqueries."""

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from streams.promql.matcher import Matcher
from streams.promql.moment import LOOKBACK_MS, Moment, Selected, Selection
from streams.promql.node import Node
from streams.promql.storage import is_stale
from streams.promql.values import Kind, Labels, Matrix, RangeSeries, Sample, Value, Vector

At = int | Literal["start", "end"] | None
"""The ``@`` modifier: epoch ms, the start or the end of the query, or none."""


class When(msgspec.Struct, frozen=True):
    """The ``offset`` and ``@`` modifiers of a selector."""

    offset_ms: int = 0
    at: At = None

    def reference(self, moment: Moment) -> int:
        """The time that the selector looks at, epoch ms."""
        if self.at is None:
            return moment.at_ms - self.offset_ms
        if self.at == "start":
            return moment.start_ms - self.offset_ms
        if self.at == "end":
            return moment.end_ms - self.offset_ms
        return self.at - self.offset_ms


class InstantSelector:
    """``name{matchers}``: the latest sample of each series within the lookback."""

    kind: Kind = "vector"

    def __init__(self, matchers: tuple[Matcher, ...], when: When, position: str) -> None:
        self.matchers = matchers
        self.when = when
        self.position = position

    def evaluate(self, moment: Moment) -> Vector:
        return [Sample(labels, value) for labels, _, value in self.latest(moment)]

    def latest(self, moment: Moment) -> Iterator[tuple[Labels, int, float]]:
        """Labels, timestamp (epoch ms) and value of each series that is present."""
        end = self.when.reference(moment)
        start = end - LOOKBACK_MS
        for selected in moment.resolver.select(self.matchers):
            found = selected.series.latest(start, end)
            if found is not None and not is_stale(found[1]):
                yield selected.labels, *found

    def selections(self) -> Iterator[Selection]:
        yield self.matchers, self.when.offset_ms + LOOKBACK_MS


class RangeSelector:
    """``name{matchers}[range]``: the samples of each series in ``(t - range, t]``."""

    kind: Kind = "matrix"

    def __init__(self, matchers: tuple[Matcher, ...], range_ms: int, when: When, position: str) -> None:
        self.matchers = matchers
        self.range_ms = range_ms
        self.when = when
        self.position = position

    def evaluate(self, moment: Moment) -> Matrix:
        end = self.when.reference(moment)
        start = end - self.range_ms
        found = []
        for selected in moment.resolver.select(self.matchers):
            series = _present(selected, start, end)
            if series is not None:
                found.append(series)
        return Matrix(found, start, end)

    def selections(self) -> Iterator[Selection]:
        yield self.matchers, self.when.offset_ms + self.range_ms


def _present(selected: Selected, start_ms: int, end_ms: int) -> RangeSeries | None:
    timestamps, values = selected.series.samples(start_ms, end_ms)
    if not len(timestamps):
        return None
    checksum = sum(values)
    if checksum != checksum:  # a NaN is among them, or Inf - Inf: look closer
        timestamps, values = _without_stale(timestamps, values)
        if not timestamps:
            return None
    return RangeSeries(selected.labels, timestamps, values)


def _without_stale(timestamps: Sequence[int], values: Sequence[float]) -> tuple[list[int], list[float]]:
    kept = [(time, value) for time, value in zip(timestamps, values, strict=True) if not is_stale(value)]
    return [time for time, _ in kept], [value for _, value in kept]


class Subquery:
    """``expression[range:step]``: an expression evaluated at the multiples of ``step`` in ``(t - range, t]``."""

    kind: Kind = "matrix"

    def __init__(self, inner: Node, range_ms: int, step_ms: int | None, when: When, position: str) -> None:
        self.inner = inner
        self.range_ms = range_ms
        self.step_ms = step_ms
        self.when = when
        self.position = position

    def evaluate(self, moment: Moment) -> Matrix:
        end = self.when.reference(moment)
        start = end - self.range_ms
        step = self.step_ms or moment.resolver.step_ms
        first = (start // step + 1) * step
        series = collect((at, self.inner.evaluate(moment.moved_to(at))) for at in range(first, end + 1, step))
        return Matrix(list(series.values()), start, end)

    def selections(self) -> Iterator[Selection]:
        for matchers, reach_ms in self.inner.selections():
            yield matchers, reach_ms + self.when.offset_ms + self.range_ms


def collect(steps: Iterator[tuple[int, Value]]) -> dict[Labels, RangeSeries]:
    """The values of an expression at several times (epoch ms), gathered into series."""
    series: dict[Labels, RangeSeries] = {}
    for at_ms, value in steps:
        vector = value if isinstance(value, list) else [Sample(Labels(), float(value))]  # type: ignore[arg-type]
        for sample in vector:
            known = series.get(sample.labels)
            if known is None:
                known = series[sample.labels] = RangeSeries(sample.labels, [], [], sample.drop_name)
            known.timestamps.append(at_ms)  # type: ignore[attr-defined]
            known.values.append(sample.value)  # type: ignore[attr-defined]
    return series
