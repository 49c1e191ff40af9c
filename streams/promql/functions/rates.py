"""How fast something goes: ``rate``, ``increase``, ``delta``, ``irate``, ``idelta``, ``resets`` and ``changes``."""

from itertools import pairwise

from streams.promql.call import Call, Implementation, over_range
from streams.promql.moment import Moment
from streams.promql.values import NAME, Labels, RangeSeries, Sample, Vector

_COUNTER_SUFFIXES = ("_total", "_sum", "_count", "_bucket")


def extrapolated(series: RangeSeries, start_ms: int, end_ms: int, is_counter: bool) -> float | None:
    """The change over ``(start_ms, end_ms]``, extrapolated to its ends as Prometheus does; None below two samples.

    Up to 1.1 times the average distance between samples is extrapolated to the end of the range, beyond that half
    of that distance; and never past the point where a counter would have been zero.
    """
    timestamps, values = series.timestamps, series.values
    gaps = len(values) - 1
    if gaps < 1:
        return None
    change = values[-1] - values[0]
    if is_counter:
        change += lost_in_resets(series)
    sampled = (timestamps[-1] - timestamps[0]) / 1000
    to_start = (timestamps[0] - start_ms) / 1000
    to_end = (end_ms - timestamps[-1]) / 1000
    distance = sampled / gaps
    threshold = distance * 1.1
    if to_start >= threshold:
        to_start = distance / 2
    if is_counter and change > 0 and values[0] >= 0:
        to_start = min(to_start, sampled * (values[0] / change))
    if to_end >= threshold:
        to_end = distance / 2
    factor = (sampled + to_start + to_end) / sampled if sampled else 1.0
    return change * factor


def lost_in_resets(series: RangeSeries) -> float:
    """The sum of the values a counter had before it fell back."""
    return sum((before for before, after in pairwise(series.values) if after < before), 0.0)


def _over_window(is_counter: bool, per_second: bool) -> Implementation:
    def implementation(call: Call, moment: Moment) -> Vector:
        matrix = call.matrix(0, moment)
        seconds = (matrix.end_ms - matrix.start_ms) / 1000
        result = []
        for series in matrix.series:
            change = extrapolated(series, matrix.start_ms, matrix.end_ms, is_counter)
            if change is not None:
                result.append(Sample(series.labels, change / seconds if per_second else change, True))
                if is_counter:
                    note_doubtful_counter(series.labels, call, moment)
        return result

    return implementation


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
