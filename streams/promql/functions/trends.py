"""Trends: ``deriv``, ``predict_linear`` and ``double_exponential_smoothing``."""

from collections.abc import Callable

from schemas.failures import Rejected
from streams.promql.arithmetic import NAN, divide, exact_sum
from streams.promql.call import Call, Implementation
from streams.promql.moment import Moment
from streams.promql.values import RangeSeries, Sample, Vector


def linear_regression(series: RangeSeries, origin_ms: int) -> tuple[float, float]:
    """Slope per second and value at ``origin_ms`` of the least-squares line. NaN for a constant infinity."""
    first = series.values[0]
    if all(value == first for value in series.values):
        return (NAN, NAN) if first in (float("inf"), float("-inf")) else (0.0, first)
    count = len(series.values)
    times = [(timestamp - origin_ms) / 1000 for timestamp in series.timestamps]
    sum_t, sum_v = exact_sum(times), exact_sum(series.values)
    sum_tv = exact_sum([time * value for time, value in zip(times, series.values, strict=True)])
    sum_tt = exact_sum([time * time for time in times])
    slope = divide(sum_tv - sum_t * sum_v / count, sum_tt - sum_t * sum_t / count)
    return slope, sum_v / count - slope * sum_t / count


def _of_two_samples(value: Callable[[RangeSeries], float], matrix: list[RangeSeries]) -> Vector:
    return [Sample(series.labels, value(series), True) for series in matrix if len(series.values) > 1]


def _deriv(call: Call, moment: Moment) -> Vector:
    series_found = call.matrix(0, moment).series
    return _of_two_samples(lambda series: linear_regression(series, series.timestamps[0])[0], series_found)


def _predict_linear(call: Call, moment: Moment) -> Vector:
    moment.passes()
    ahead = call.number(1, moment)

    def predicted(series: RangeSeries) -> float:
        slope, intercept = linear_regression(series, moment.at_ms)
        return slope * ahead + intercept

    return _of_two_samples(predicted, call.matrix(0, moment).series)


def _double_exponential_smoothing(call: Call, moment: Moment) -> Vector:
    """Holt's linear method: a level and a trend, both smoothed."""
    level_factor, trend_factor = call.number(1, moment), call.number(2, moment)
    for name, factor, short in (("smoothing", level_factor, "sf"), ("trend", trend_factor, "tf")):
        if not 0 < factor < 1:
            raise Rejected(f"invalid {name} factor. Expected: 0 < {short} < 1, got: {factor:f}")

    def smoothed(series: RangeSeries) -> float:
        before, level = 0.0, series.values[0]
        trend = series.values[1] - series.values[0]
        for index, value in enumerate(series.values[1:]):
            if index:
                trend = trend_factor * (level - before) + (1 - trend_factor) * trend
            before, level = level, level_factor * value + (1 - level_factor) * (level + trend)
        return level

    return _of_two_samples(smoothed, call.matrix(0, moment).series)


TABLE: dict[str, Implementation] = {
    "deriv": _deriv,
    "double_exponential_smoothing": _double_exponential_smoothing,
    "predict_linear": _predict_linear,
}
