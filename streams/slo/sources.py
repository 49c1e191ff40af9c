"""Sources compiled: selectors as conditions on series, queries as expressions; and what is wrong with them."""

from collections.abc import Iterable, Iterator

from schemas.failures import Rejected
from schemas.slo import WINDOW, Indicator, Objective, Ratio, Source, Threshold
from schemas.yamltext import Problem
from streams.promql import Expression, compile_expression
from streams.promql.compile import compile_text
from streams.promql.matcher import Matcher
from streams.promql.selectors import InstantSelector, When
from streams.promql.values import NAME
from streams.slo.burnrates import names


def sources_of(indicator: Indicator) -> list[Source]:
    """Everything that an indicator reads."""
    if isinstance(indicator, Ratio):
        return [source for source in (indicator.good, indicator.bad, indicator.total) if source is not None]
    return [indicator.source]


def matchers_of(selector: str) -> tuple[Matcher, ...]:
    """The conditions of a plain selector. Raises Rejected for any other expression."""
    node = compile_text(selector)
    if not isinstance(node, InstantSelector) or node.when != When():
        raise Rejected(f'{selector!r} is not a selector of series; write name{{label="value"}}, or query: instead')
    return node.matchers


def expression_of(query: str, window: str) -> Expression:
    """A query for a window such as ``5m``. Raises Rejected."""
    return compile_expression(query.replace(WINDOW, window))


def check(objectives: Iterable[Objective]) -> list[Problem]:
    """What is wrong with selectors, queries and names, in order of their places."""
    problems: list[Problem] = []
    seen: set[str] = set()
    for objective in objectives:
        if objective.name in seen:
            problems.append(Problem(objective.place, f"there is another objective {objective.name!r}", "rename it"))
        seen.add(objective.name)
        if objective.burn_rates and objective.burn_rates not in names():
            known = ", ".join(names())
            text = f"there are no burn rates {objective.burn_rates!r}"
            problems.append(Problem(objective.place, text, f"known are {known}"))
        for source in sources_of(objective.indicator):
            problems += _check(source, is_of_distribution(objective.indicator))
    return sorted(set(problems))


def _check(source: Source, is_of_histograms: bool) -> Iterator[Problem]:
    try:
        for selector in source.series:
            matchers = matchers_of(selector)
            if is_of_histograms and not any(each.name == NAME and each.op == "=" for each in matchers):
                yield Problem(source.place, f"{selector!r} names no histogram", "write its name before the braces")
        if source.query:
            found = expression_of(source.query, "1m")
            if found.kind not in ("scalar", "vector"):
                text = f"the query gives a {found.kind}, not a number or numbers"
                yield Problem(source.place, text, "wrap it in rate, increase or sum_over_time")
    except Rejected as error:
        yield Problem(source.place, str(error).replace("\n", " "), "")


def is_of_distribution(indicator: Indicator) -> bool:
    """Whether it counts the samples of histograms on one side of a bound."""
    return isinstance(indicator, Threshold) and bool(indicator.source.series)
