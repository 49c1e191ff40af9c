"""How fast something goes: ``rate``, ``increase``, ``delta``, ``irate``, ``idelta``, ``resets`` and ``changes``."""

from collections.abc import Iterator
from itertools import pairwise

from streams.promql.call import Call, Implementation, over_range
from streams.promql.moment import Moment
from streams.promql.selectors import RangeSelector
from streams.promql.storage import Ends, ends_of
from streams.promql.values import NAME, Labels, Matrix, RangeSeries, Sample, Vector

_COUNTER_SUFFIXES = ("_total", "_sum", "_count", "_bucket")


def extrapolated(found: Ends, start_ms: int, end_ms: int, is_counter: bool) -> float | None:
    """The change over ``(start_ms, end_ms]``, extrapolated to its ends as Prometheus does; None below two samples.

    Up to 1.1 times the average distance between samples is extrapolated to the end of the range, beyond that half
    of that distance; and never past the point where a counter would have been zero.
    """
    number, first_ms, first, last_ms, last, lost = found
    if number < 2:
        return None
    change = last - first
    if is_counter:
        change += lost
    sampled = (last_ms - first_ms) / 1000
    to_start = (first_ms - start_ms) / 1000
    to_end = (end_ms - last_ms) / 1000
    distance = sampled / (number - 1)
    threshold = distance * 1.1
    if to_start >= threshold:
        to_start = distance / 2
    if is_counter and change > 0 and first >= 0:
        to_start = min(to_start, sampled * (first / change))
    if to_end >= threshold:
        to_end = distance / 2
    factor = (sampled + to_start + to_end) / sampled if sampled else 1.0
    return change * factor


def _over_window(is_counter: bool, per_second: bool) -> Implementation:
    def implementation(call: Call, moment: Moment) -> Vector:
        operand = call.arguments[0]
        if isinstance(operand, RangeSelector):
            end_ms = operand.when.reference(moment)
            start_ms, found = end_ms - operand.range_ms, operand.ends(moment)
        else:
            matrix = call.matrix(0, moment)
            start_ms, end_ms, found = matrix.start_ms, matrix.end_ms, _ends(matrix)
        seconds = (end_ms - start_ms) / 1000 if per_second else 1.0
        result = []
        for labels, ends in found:
            change = extrapolated(ends, start_ms, end_ms, is_counter)
            if change is not None:
                result.append(Sample(labels, change / seconds, True))
                if is_counter:
                    note_doubtful_counter(labels, call, moment)
        return result

    return implementation


def _ends(matrix: Matrix) -> Iterator[tuple[Labels, Ends]]:
    for series in matrix.series:
        found = ends_of(series.timestamps, series.values)
        if found is not None:
            yield series.labels, found


def note_doubtful_counter(labels: Labels, call: Call, moment: Moment) -> None:
    """Remarks that the function is meant for counters when the name says that this is none."""
    name = labels.get(NAME, "")
    if name and not name.endswith(_COUNTER_SUFFIXES):
        moment.inform(
            f'metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "{name}"',
            call.arguments[0].position,
        )


def _last_two(is_counter: bool) -> Implementation:
    def implementation(call: Call, moment: Moment) -> Vector:
        result = []
        for series in call.matrix(0, moment).series:
            if len(series.values) < 2:
                continue
            before, last = series.values[-2], series.values[-1]
            change = last if is_counter and last < before else last - before
            if is_counter:
                change /= (series.timestamps[-1] - series.timestamps[-2]) / 1000
                note_doubtful_counter(series.labels, call, moment)
            result.append(Sample(series.labels, change, True))
        return result

    return implementation


def _resets(series: RangeSeries) -> float:
    return float(sum(after < before for before, after in pairwise(series.values)))


def _changes(series: RangeSeries) -> float:
    pairs = pairwise(series.values)
    return float(sum(before != after and (before == before or after == after) for before, after in pairs))


TABLE: dict[str, Implementation] = {
    "changes": over_range(_changes),
    "delta": _over_window(is_counter=False, per_second=False),
    "idelta": _last_two(is_counter=False),
    "increase": _over_window(is_counter=True, per_second=False),
    "irate": _last_two(is_counter=True),
    "rate": _over_window(is_counter=True, per_second=True),
    "resets": over_range(_resets),
}
