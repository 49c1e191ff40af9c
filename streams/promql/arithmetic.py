"""IEEE 754 arithmetic as Prometheus does it: division by zero, overflow and domain errors give Inf or NaN."""

import math
from collections.abc import Callable, Iterable, Sequence

NAN = math.nan
INF = math.inf


def divide(left: float, right: float) -> float:
    if right:
        return left / right
    if left == 0 or left != left or right != right:
        return NAN
    return math.copysign(INF, left) * math.copysign(1.0, right)


def modulo(left: float, right: float) -> float:
    try:
        return math.fmod(left, right)
    except ValueError:
        return NAN


def power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except OverflowError:
        return -INF if left < 0 and right % 2 == 1 else INF
    except ValueError:
        if left == 0:
            return math.copysign(INF, left) if right % 2 == 1 else INF
        return NAN


def total(function: Callable[[float], float], overflow: float = INF) -> Callable[[float], float]:
    """The function of ``math`` made total: NaN outside its domain, ``overflow`` with the sign of the argument."""

    def made_total(value: float) -> float:
        try:
            return function(value)
        except ValueError:
            return NAN
        except OverflowError:
            return math.copysign(overflow, value) if function is math.sinh else overflow

    return made_total


def logarithm(function: Callable[[float], float]) -> Callable[[float], float]:
    """A logarithm: -Inf at zero, NaN below."""

    def made_total(value: float) -> float:
        if value > 0:
            return function(value)
        return -INF if value == 0 else NAN

    return made_total


def rounded(function: Callable[[float], float]) -> Callable[[float], float]:
    """``floor`` or ``ceil`` of a float as a float, Inf and NaN included."""
    return lambda value: math.copysign(float(function(value)), value) if math.isfinite(value) else value


def kahan(values: Iterable[float]) -> tuple[float, float]:
    """Sum and its compensation (to be added unless the sum is infinite): Kahan's method as improved by Neumaier."""
    total_, compensation = 0.0, 0.0
    for value in values:
        total_, compensation = kahan_step(value, total_, compensation)
    return total_, compensation


def kahan_step(value: float, total_: float, compensation: float) -> tuple[float, float]:
    """One step of ``kahan``: the new sum and the new compensation."""
    increased = total_ + value
    if increased in (INF, -INF):
        return increased, 0.0
    if abs(total_) >= abs(value):
        return increased, compensation + ((total_ - increased) + value)
    return increased, compensation + ((value - increased) + total_)


def exact_sum(values: Sequence[float]) -> float:
    """The sum with compensation for rounding."""
    quick = _quick_sum(values)
    if quick is not None:
        return quick
    total_, compensation = kahan(values)
    return total_ if total_ in (INF, -INF) else total_ + compensation


def mean(values: Sequence[float]) -> float:
    """The mean: directly, or incrementally once the running sum would overflow."""
    quick = _quick_sum(values)
    return _guarded_mean(values) if quick is None else quick / len(values)


def _quick_sum(values: Sequence[float]) -> float | None:
    """The exact sum, if Prometheus' method gives the same up to rounding: not when nearly everything cancels out."""
    try:
        quick = math.fsum(values)
    except (OverflowError, ValueError):  # infinities, or a sum that passes through them
        return None
    return quick if abs(quick) * 1e6 >= max(map(abs, values), default=0.0) else None


def _guarded_mean(values: Sequence[float]) -> float:
    total_, compensation = values[0], 0.0
    for index, value in enumerate(values[1:], start=1):
        increased, carried = kahan_step(value, total_, compensation)
        if increased in (INF, -INF):
            return _incremental_mean(values, index, total_ / index, compensation / index)
        total_, compensation = increased, carried
    return total_ / len(values) + compensation / len(values)


def _incremental_mean(values: Sequence[float], start: int, average: float, compensation: float) -> float:
    for index in range(start, len(values)):
        count = index + 1
        share = index / count
        average, compensation = kahan_step(values[index] / count, share * average, share * compensation)
    return average + compensation


def variance(values: Sequence[float]) -> float:
    """The population variance by Welford's method, both sums compensated."""
    average = average_rest = squares = squares_rest = 0.0
    for count, value in enumerate(values, start=1):
        delta = value - (average + average_rest)
        average, average_rest = kahan_step(delta / count, average, average_rest)
        squares, squares_rest = kahan_step(delta * (value - (average + average_rest)), squares, squares_rest)
    return (squares + squares_rest) / len(values)


def quantile(share: float, values: Iterable[float]) -> float:
    """The quantile, linear between the two nearest ranks; NaN sorts first. -Inf for a share below 0, +Inf above 1."""
    ordered = sorted(values, key=lambda value: (value == value, value))
    if not ordered or share != share:
        return NAN
    if share < 0:
        return -INF
    if share > 1:
        return INF
    rank = share * (len(ordered) - 1)
    lower = math.floor(rank)
    weight = rank - lower
    upper = min(len(ordered) - 1, lower + 1)
    return ordered[lower] * (1 - weight) + ordered[upper] * weight


def almost_equal(left: float, right: float, tolerance: float) -> bool:
    """True when the two differ by less than their sum times ``tolerance``, or are both NaN."""
    if left == right or (left != left and right != right):
        return True
    size, difference = abs(left) + abs(right), abs(left - right)
    smallest = 2.2250738585072014e-308
    if left == 0 or right == 0 or size < smallest:
        return difference < tolerance * smallest
    return difference / min(size, 1.7976931348623157e308) < tolerance


def float_text(value: float) -> str:
    """The shortest decimal text that reads back as the same float, without an exponent, as Go's ``'f', -1``."""
    if value != value:
        return "NaN"
    if value in (INF, -INF):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(float(value))
    if "e" in text:
        text = _without_exponent(text)
    return text.removesuffix(".0")


def _without_exponent(text: str) -> str:
    digits, exponent = text.split("e")
    sign = "-" if digits.startswith("-") else ""
    whole, _, fraction = digits.lstrip("-").partition(".")
    shift = int(exponent)
    if shift < 0:
        return f"{sign}0.{'0' * (-shift - 1)}{whole}{fraction}".rstrip("0")
    return f"{sign}{whole}{fraction.ljust(shift, '0')[:shift]}{'.' + fraction[shift:] if len(fraction) > shift else ''}"
