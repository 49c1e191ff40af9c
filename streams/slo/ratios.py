"""The share of an objective that was bad, as PromQL that any Prometheus evaluates."""

from decimal import Decimal
from fractions import Fraction

from schemas.duration import duration_text
from schemas.slo import WINDOW, Indicator, Objective, Occurrences, Op, Ratio, Raw, Slices, Source, Threshold
from streams.promql.matcher import Matcher
from streams.promql.values import NAME
from streams.slo.sources import is_of_distribution, matchers_of

OPS: dict[Op, str] = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}

SLICE = "slo:sli_slice:error_ratio"


def error_ratio(objective: Objective, minutes: int) -> str:
    """The share of the budget's unit that was bad over the last ``minutes``, as PromQL."""
    sliced = slice_of(objective)
    if sliced is None:
        return _gated(objective, minutes)
    return f"avg_over_time({SLICE}{of(objective)}[{_below(minutes)}:{text(sliced[0])}])"


def slice_of(objective: Objective) -> tuple[int, str] | None:
    """What is recorded as ``SLICE`` first, since windows are means of it: minutes of a slice, and its error ratio."""
    method, indicator = objective.method, objective.indicator
    if isinstance(method, Occurrences):
        source = indicator.source if isinstance(indicator, Threshold | Raw) else None
        is_asked_by_minute = source is not None and bool(source.query) and WINDOW not in source.query
        return (1, _gated(objective, 1)) if is_asked_by_minute else None
    each = _gated(objective, method.minutes)
    if isinstance(method, Slices):
        each = f"1 - ((1 - ({each})) {OPS[method.op]} bool {decimal_text(method.target)})"
    return method.minutes, each


def of(objective: Objective) -> str:
    """The matchers of what is recorded for an objective."""
    name = objective.name.replace("\\", "\\\\").replace('"', '\\"')
    return f'{{objective="{name}"}}'


def decimal_text(value: Fraction) -> str:
    """A fraction in digits."""
    return f"{Decimal(value.numerator) / Decimal(value.denominator):f}"


def _ratio(indicator: Indicator, minutes: int) -> str:
    if isinstance(indicator, Raw):
        value = _query(indicator.source, minutes, "avg_over_time")
        return f"avg({value})" if indicator.kind == "failure" else f"1 - avg({value})"
    if isinstance(indicator, Ratio):
        counter, total = indicator.is_counter, _amount(indicator.total, minutes, indicator.is_counter)
        if indicator.bad is not None:
            return f"({_amount(indicator.bad, minutes, counter)} or vector(0)) / ({total})"
        assert indicator.good is not None
        return f"1 - ({_amount(indicator.good, minutes, counter)} or vector(0)) / ({total})"
    return _of_threshold(indicator, minutes)


def _of_threshold(indicator: Threshold, minutes: int) -> str:
    if not is_of_distribution(indicator):
        met = f"({indicator.source.query}) {OPS[indicator.op]} bool {indicator.value!r}"
        return f"1 - avg({_by_minute(met, minutes, 'avg_over_time')})"
    within = _histograms(indicator.source, "_bucket", indicator.value)
    total = _histograms(indicator.source, "_count")
    share = f"({sum_of(within, minutes, 'rate')} or vector(0)) / ({sum_of(total, minutes, 'rate')})"
    return f"1 - {share}" if indicator.op in ("lt", "lte") else share


def total_of(indicator: Indicator) -> Source | None:
    """The series that count everything; None when a query does, or gauges do."""
    if isinstance(indicator, Ratio):
        return indicator.total if indicator.is_counter and indicator.total.series else None
    return _histograms(indicator.source, "_count") if is_of_distribution(indicator) else None


def _histograms(source: Source, suffix: str, bound: float | None = None) -> Source:
    return Source(series=tuple(_of_histogram(each, suffix, bound) for each in source.series), place=source.place)


def _of_histogram(selector: str, suffix: str, bound: float | None) -> str:
    matchers = matchers_of(selector)
    name = next(matcher.value for matcher in matchers if matcher.name == NAME)
    rest = [matcher for matcher in matchers if matcher.name != NAME]
    if bound is not None:
        rest.append(Matcher("le", "=", f"{bound:g}"))
    return f"{name}{suffix}{{{','.join(map(str, rest))}}}"


def _gated(objective: Objective, minutes: int) -> str:
    """Nothing while there are fewer events than the objective wants."""
    ratio, total = _ratio(objective.indicator, minutes), total_of(objective.indicator)
    if not objective.minimum_events or total is None:
        return ratio
    return f"({ratio}) and ({sum_of(total, minutes, 'increase')} >= {objective.minimum_events})"


def _amount(source: Source, minutes: int, is_counter: bool) -> str:
    if source.query:
        return f"sum({_query(source, minutes, 'sum_over_time')})"
    return sum_of(source, minutes, "rate" if is_counter else "sum_over_time")


def _query(source: Source, minutes: int, function: str) -> str:
    """A query over a window: its own, or the values it has every minute."""
    if WINDOW in source.query:
        return source.query.replace(WINDOW, text(minutes))
    return _by_minute(source.query, minutes, function)


def _by_minute(query: str, minutes: int, function: str) -> str:
    return f"{function}(({query})[{_below(minutes)}:1m])" if minutes > 1 else f"({query})"


def sum_of(source: Source, minutes: int, function: str) -> str:
    """What all selectors select. Several are told apart by a label, so that none is lost where others have the same."""
    each = [f"sum({function}({selector}[{text(minutes)}]))" for selector in source.series]
    if len(each) == 1:
        return each[0]
    told_apart = (f'label_replace({part}, "part", "{index}", "", "")' for index, part in enumerate(each))
    return f"sum({' or '.join(told_apart)})"


def text(minutes: int) -> str:
    """A duration as PromQL has it."""
    return duration_text(minutes * 60_000)


def _below(minutes: int) -> str:
    """A little less than that, so that a subquery has no point at the beginning of its window in any Prometheus."""
    return duration_text(minutes * 60_000 - 1)
