"""From one shape to another: ``scalar``, ``vector``, ``absent``, ``sort`` ..."""

import math

from streams.promql.call import Call, Implementation
from streams.promql.matcher import Matcher
from streams.promql.moment import Moment
from streams.promql.selectors import InstantSelector, RangeSelector
from streams.promql.values import NAME, NO_LABELS, Labels, Sample, Vector


def _scalar(call: Call, moment: Moment) -> float:
    vector = call.vector(0, moment)
    return vector[0].value if len(vector) == 1 else math.nan


def _vector(call: Call, moment: Moment) -> Vector:
    return [Sample(NO_LABELS, call.number(0, moment))]


def _absent(call: Call, moment: Moment) -> Vector:
    return [] if call.vector(0, moment) else [Sample(_labels_asked_for(call), 1.0)]


def _absent_over_time(call: Call, moment: Moment) -> Vector:
    return [] if call.matrix(0, moment).series else [Sample(_labels_asked_for(call), 1.0)]


def _labels_asked_for(call: Call) -> Labels:
    """What is known of the series that is missing: labels that the selector asks to be equal to one value."""
    operand = call.arguments[0]
    if not isinstance(operand, InstantSelector | RangeSelector):
        return NO_LABELS
    matchers: dict[str, list[Matcher]] = {}
    for matcher in operand.matchers:
        matchers.setdefault(matcher.name, []).append(matcher)
    return Labels(
        (name, found[0].value)
        for name, found in matchers.items()
        if name != NAME and len(found) == 1 and found[0].op == "=" and found[0].value
    )


def _sorted(descending: bool) -> Implementation:
    def key(sample: Sample) -> tuple[bool, float]:
        value = sample.value
        if value != value:
            return (True, 0.0)
        return (False, -value if descending else value)

    def implementation(call: Call, moment: Moment) -> Vector:
        if moment.start_ms != moment.end_ms:
            text = "sort is ineffective for range queries since results are always ordered by labels"
            moment.warn(text, call.position)
        return sorted(call.vector(0, moment), key=key)

    return implementation


def _pi(call: Call, moment: Moment) -> float:
    return math.pi


TABLE: dict[str, Implementation] = {
    "absent": _absent,
    "absent_over_time": _absent_over_time,
    "pi": _pi,
    "scalar": _scalar,
    "sort": _sorted(descending=False),
    "sort_desc": _sorted(descending=True),
    "vector": _vector,
}
