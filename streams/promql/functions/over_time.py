"""Aggregation of one series over time: ``avg_over_time`` and its relatives, ``absent_over_time`` apart (shaping)."""

import math

from streams.promql.arithmetic import NAN, exact_sum, float_text, mean, quantile, variance
from streams.promql.call import Call, Implementation, over_range
from streams.promql.moment import Moment
from streams.promql.values import RangeSeries, Sample, Vector


def _largest(series: RangeSeries) -> float:
    return max((value for value in series.values if value == value), default=NAN)


def _smallest(series: RangeSeries) -> float:
    return min((value for value in series.values if value == value), default=NAN)


def _quantile(call: Call, moment: Moment) -> Vector:
    share = call.number(0, moment)
    series_found = call.matrix(1, moment).series
    if series_found and not 0 <= share <= 1:
        shown = float_text(share) if not math.isfinite(share) else f"{share:g}"
        moment.warn(f"quantile value should be between 0 and 1, got {shown}", call.arguments[0].position)
    return [Sample(series.labels, quantile(share, series.values), True) for series in series_found]


TABLE: dict[str, Implementation] = {
    "avg_over_time": over_range(lambda series: mean(series.values)),
    "count_over_time": over_range(lambda series: float(len(series.values))),
    "first_over_time": over_range(lambda series: series.values[0], keeps_name=True),
    "last_over_time": over_range(lambda series: series.values[-1], keeps_name=True),
    "max_over_time": over_range(_largest),
    "min_over_time": over_range(_smallest),
    "present_over_time": over_range(lambda series: 1.0),
    "quantile_over_time": _quantile,
    "stddev_over_time": over_range(lambda series: math.sqrt(variance(series.values))),
    "stdvar_over_time": over_range(lambda series: variance(series.values)),
    "sum_over_time": over_range(lambda series: exact_sum(series.values)),
}
