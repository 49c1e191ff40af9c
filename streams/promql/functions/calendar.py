"""Dates and times, all in UTC: ``hour``, ``day_of_week``, ``time``, ``timestamp`` ..."""

import calendar
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from streams.promql.arithmetic import NAN
from streams.promql.call import Call, Implementation
from streams.promql.moment import Moment
from streams.promql.selectors import InstantSelector
from streams.promql.values import NO_LABELS, Sample, Vector

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _of_date(part: Callable[[datetime], int]) -> Implementation:
    """A part of the date that each value is, in epoch seconds; without an argument, of the evaluation time."""

    def of_value(seconds: float) -> float:
        try:
            return float(part(_EPOCH + timedelta(seconds=math.trunc(seconds))))
        except (OverflowError, ValueError):  # not a time, or outside the years 1 to 9999
            return NAN

    def implementation(call: Call, moment: Moment) -> Vector:
        if not call.arguments:
            moment.passes()
            return [Sample(NO_LABELS, of_value(moment.at_ms // 1000))]
        return [Sample(sample.labels, of_value(sample.value), True) for sample in call.vector(0, moment)]

    return implementation


def _time(call: Call, moment: Moment) -> float:
    moment.passes()
    return moment.at_ms / 1000


def _timestamp(call: Call, moment: Moment) -> Vector:
    """When each sample was taken; of anything but a selector, the evaluation time."""
    moment.passes()
    operand = call.arguments[0]
    if isinstance(operand, InstantSelector):
        return [Sample(labels, time_ms / 1000, True) for labels, time_ms, _ in operand.latest(moment, dated=True)]
    return [Sample(sample.labels, moment.at_ms / 1000, True) for sample in call.vector(0, moment)]


TABLE: dict[str, Implementation] = {
    "day_of_month": _of_date(lambda date: date.day),
    "day_of_week": _of_date(lambda date: date.isoweekday() % 7),
    "day_of_year": _of_date(lambda date: date.timetuple().tm_yday),
    "days_in_month": _of_date(lambda date: calendar.monthrange(date.year, date.month)[1]),
    "hour": _of_date(lambda date: date.hour),
    "minute": _of_date(lambda date: date.minute),
    "month": _of_date(lambda date: date.month),
    "time": _time,
    "timestamp": _timestamp,
    "year": _of_date(lambda date: date.year),
}
