"""Selectors: the last sample of each series, the samples of a range, and subqueries."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from streams.promql.index import Count
from streams.promql.matcher import Matcher
from streams.promql.moment import LOOKBACK_MS, Key, Moment, Selection, Validity
from streams.promql.node import Node
from streams.promql.storage import FOREVER, Ends, Series, is_stale, without_stale
from streams.promql.values import Kind, Labels, Matrix, RangeSeries, Sample, Value, Vector

At = int | Literal["start", "end"] | None
"""The ``@`` modifier: epoch ms, the start or the end of the query, or none."""


class When(msgspec.Struct, frozen=True):
    """The ``offset`` and ``@`` modifiers of a selector."""

    offset_ms: int = 0
    at: At = None

    @property
    def is_bound(self) -> bool:
        """Whether it looks at a fixed time, or ahead: what it finds there can change at any time."""
        return self.at is not None or self.offset_ms < 0

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
        self.key = Key("instant", (matchers, when))

    def evaluate(self, moment: Moment) -> Vector:
        return [Sample(labels, value) for labels, _, value in self.latest(moment)]

    def latest(self, moment: Moment, dated: bool = False) -> Iterator[tuple[Labels, int, float]]:
        """Labels, timestamp (epoch ms) and value of each series that is present; ``dated``: timestamps matter."""
        end = self.when.reference(moment)
        start = end - LOOKBACK_MS
        chosen, validity = moment.resolver.choose(self.matchers), moment.validity
        until = FOREVER
        for series in chosen.series():
            found = series.latest(start, end)
            if validity is not None:
                until = min(until, _changes(series, found, end))
            if found is not None and not is_stale(found[1]):
                yield series.labels, *found
        if validity is not None:
            _limit(validity, chosen.sampled if dated else chosen.changed, self.when, moment, until - end)

    def selections(self) -> Iterator[Selection]:
        yield self.matchers, self.when.offset_ms + LOOKBACK_MS


def _changes(series: Series, found: tuple[int, float] | None, end_ms: int) -> int:
    """When the latest sample of a series may have another value, or none be left."""
    if found is None or 0 < series.spacing_ms <= LOOKBACK_MS:
        return series.next_change(end_ms)
    return min(series.next_change(end_ms), found[0] + LOOKBACK_MS)


def _limit(validity: Validity, counts: list[Count] | None, when: When, moment: Moment, holds_ms: int) -> None:
    """What a selector read stays the same for that long, unless something happens to its series."""
    if counts is None:
        validity.ends_by(moment.at_ms)
    else:
        validity.depends_on(counts)
        validity.ends_by(moment.at_ms + (1 if when.is_bound else max(holds_ms, 1)))


class RangeSelector:
    """``name{matchers}[range]``: the samples of each series in ``(t - range, t]``."""

    kind: Kind = "matrix"

    def __init__(self, matchers: tuple[Matcher, ...], range_ms: int, when: When, position: str) -> None:
        self.matchers = matchers
        self.range_ms = range_ms
        self.when = when
        self.position = position
        self.key = Key("range", (matchers, range_ms, when))

    def evaluate(self, moment: Moment) -> Matrix:
        end = self.when.reference(moment)
        start = end - self.range_ms
        chosen, validity = moment.resolver.choose(self.matchers), moment.validity
        found, until = [], FOREVER
        for series in chosen.series():
            timestamps, values = series.samples(start, end)
            if validity is not None:
                leaves = timestamps[0] + self.range_ms if len(timestamps) else FOREVER
                until = min(until, leaves, series.next_sample(end))
            timestamps, values = without_stale(timestamps, values)
            if len(timestamps):
                found.append(RangeSeries(series.labels, timestamps, values))
        if validity is not None:
            _limit(validity, chosen.sampled, self.when, moment, until - end)
        return Matrix(found, start, end)

    def ends(self, moment: Moment) -> Iterator[tuple[Labels, Ends]]:
        """Labels, and the ends of the samples of each series that has any: for what a change over the range is."""
        end = self.when.reference(moment)
        start = end - self.range_ms
        chosen, validity = moment.resolver.choose(self.matchers), moment.validity
        until = FOREVER
        for series in chosen.series():
            found = series.ends(start, end)
            if validity is not None and until > end:
                until = min(until, self._changes(series, found, end))
            if found is not None:
                yield series.labels, found
        if validity is not None:
            _limit(validity, chosen.sampled, self.when, moment, until - end)

    def _changes(self, series: Series, found: Ends | None, end_ms: int) -> int:
        """When the change of a series over the range may be another one: any time, unless it does not change at all."""
        if found is None:
            return series.next_sample(end_ms)
        is_steady = found.first == found.last and not found.lost
        if is_steady and found.number > 1 and 0 < series.spacing_ms * 2 <= self.range_ms:
            return series.next_change(end_ms)
        return end_ms

    def selections(self) -> Iterator[Selection]:
        yield self.matchers, self.when.offset_ms + self.range_ms


class Subquery:
    """``expression[range:step]``: an expression evaluated at the multiples of ``step`` in ``(t - range, t]``."""

    kind: Kind = "matrix"

    def __init__(self, inner: Node, range_ms: int, step_ms: int | None, when: When, position: str) -> None:
        self.inner = inner
        self.range_ms = range_ms
        self.step_ms = step_ms
        self.when = when
        self.position = position
        self.key = Key("subquery", (inner.key, range_ms, step_ms, when))

    def evaluate(self, moment: Moment) -> Matrix:
        if moment.validity is not None:
            moment.passes()
            for matchers, _ in self.inner.selections():
                moment.validity.depends_on(moment.resolver.choose(tuple(matchers)).sampled or ())
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
