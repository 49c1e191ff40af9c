"""Functions of each value of a vector by itself: rounding, clamping, logarithms, trigonometry."""

import math

from streams.promql.arithmetic import logarithm, rounded, total
from streams.promql.call import Call, Implementation, elementwise
from streams.promql.moment import Moment
from streams.promql.values import Sample, Vector


def _sign(value: float) -> float:
    return float((value > 0) - (value < 0)) if value == value and value else value


def _round(call: Call, moment: Moment) -> Vector:
    """To the nearest multiple of the second argument, ties upwards."""
    nearest = call.number(1, moment) if len(call.arguments) > 1 else 1.0
    inverse = 1.0 / nearest if nearest else math.copysign(math.inf, nearest)
    result = []
    for sample in call.vector(0, moment):
        scaled = sample.value * inverse + 0.5
        whole = float(math.floor(scaled)) if math.isfinite(scaled) else scaled
        result.append(Sample(sample.labels, whole / inverse, True))
    return result


def _clamped(call: Call, moment: Moment, lowest: float, highest: float) -> Vector:
    if highest < lowest:
        return []
    return [Sample(sample.labels, _within(sample.value, lowest, highest), True) for sample in call.vector(0, moment)]


def _within(value: float, lowest: float, highest: float) -> float:
    if value != value or lowest != lowest or highest != highest:
        return math.nan
    return max(lowest, min(highest, value))


def _clamp(call: Call, moment: Moment) -> Vector:
    return _clamped(call, moment, call.number(1, moment), call.number(2, moment))


def _clamp_max(call: Call, moment: Moment) -> Vector:
    return _clamped(call, moment, -math.inf, call.number(1, moment))


def _clamp_min(call: Call, moment: Moment) -> Vector:
    return _clamped(call, moment, call.number(1, moment), math.inf)


TABLE: dict[str, Implementation] = {
    "abs": elementwise(abs),
    "acos": elementwise(total(math.acos)),
    "acosh": elementwise(total(math.acosh)),
    "asin": elementwise(total(math.asin)),
    "asinh": elementwise(math.asinh),
    "atan": elementwise(math.atan),
    "atanh": elementwise(lambda value: math.copysign(math.inf, value) if abs(value) == 1 else total(math.atanh)(value)),
    "ceil": elementwise(rounded(math.ceil)),
    "clamp": _clamp,
    "clamp_max": _clamp_max,
    "clamp_min": _clamp_min,
    "cos": elementwise(total(math.cos)),
    "cosh": elementwise(total(math.cosh)),
    "deg": elementwise(math.degrees),
    "exp": elementwise(total(math.exp)),
    "floor": elementwise(rounded(math.floor)),
    "ln": elementwise(logarithm(math.log)),
    "log10": elementwise(logarithm(math.log10)),
    "log2": elementwise(logarithm(math.log2)),
    "rad": elementwise(math.radians),
    "round": _round,
    "sgn": elementwise(_sign),
    "sin": elementwise(total(math.sin)),
    "sinh": elementwise(total(math.sinh)),
    "sqrt": elementwise(total(math.sqrt)),
    "tan": elementwise(total(math.tan)),
    "tanh": elementwise(math.tanh),
}
