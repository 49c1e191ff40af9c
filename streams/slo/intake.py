"""From series to minutes: what a pane adds to the ledger of an objective, and what a query gives once a minute."""

from collections.abc import Callable
from math import isfinite

from schemas.slo import Objective, Ratio, Raw, Source, Threshold
from streams.promql.matcher import Matcher
from streams.promql.storage import Storage
from streams.promql.values import NAME
from streams.slo.ledger import UNIT, Ledger
from streams.slo.measures import COMPARE
from streams.slo.sources import expression_of, is_of_distribution, matchers_of, sources_of
from streams.windows.panes import Cell, Series
from streams.windows.sketch import count_at_most

MINUTE_MS = 60_000

Amount = Callable[[Cell], tuple[float, float]]
"""(bad, total) that a cell adds."""
_Count = Callable[[Cell], float]


class Intake:
    """Takes what an objective needs from the series of its tenant. Raises Rejected for what cannot be compiled."""

    def __init__(self, objective: Objective) -> None:
        self._indicator = indicator = objective.indicator
        self.asks = any(source.query for source in sources_of(indicator))
        """Whether it has queries: :meth:`ask` once a minute, after the minute is over."""
        self._sides: list[tuple[list[tuple[Matcher, ...]], int, int]] = []
        if isinstance(indicator, Ratio):
            self._side(indicator.total, 0 if indicator.bad else 1, 1)
            self._side(indicator.good, -1, 0)
            self._side(indicator.bad, 1, 0)
        elif is_of_distribution(indicator):
            self._side(indicator.source, 1, 1)
        self._known: dict[Series, Amount | None] = {}

    def take(self, ledger: Ledger, series: Series, start_ms: int, cell: Cell) -> None:
        """Add what a pane says; panes of other series say nothing."""
        if series not in self._known:
            self._known[series] = self._amount(series)
        amount = self._known[series]
        if amount is not None:
            bad, total = amount(cell)
            ledger.add(start_ms // MINUTE_MS, units(bad), units(total))

    def ask(self, ledger: Ledger, storage: Storage, end_ms: int) -> None:
        """Add the minute that ends then, by the queries. Values that are missing or not finite say nothing."""
        found = self._answer(storage, end_ms)
        if found is not None:
            ledger.add(end_ms // MINUTE_MS - 1, units(found[0]), units(found[1]))

    def _side(self, source: Source | None, bad: int, total: int) -> None:
        if source is not None and source.series:
            self._sides.append(([matchers_of(selector) for selector in source.series], bad, total))

    def _amount(self, series: Series) -> Amount | None:
        parts: list[tuple[_Count, int, int]] = []
        for selectors, bad, total in self._sides:
            for matchers in selectors:
                count = self._count(series, matchers)
                if count is not None:
                    parts.append((count, bad, total))
        if not parts:
            return None
        if isinstance(self._indicator, Threshold):
            return _beyond(self._indicator)
        return lambda cell: (
            sum(count(cell) * bad for count, bad, _ in parts),
            sum(count(cell) * total for count, _, total in parts),
        )

    def _count(self, series: Series, matchers: tuple[Matcher, ...]) -> _Count | None:
        """How a selector counts the cells of a series; None when it does not select it."""
        name = next((matcher.value for matcher in matchers if matcher.name == NAME and matcher.op == "="), "")
        suffix = name.removeprefix(series.name) if series.kind == "histogram" else ""
        bound = next((matcher.value for matcher in matchers if matcher.name == "le" and matcher.op == "="), "")
        if suffix == "_bucket" and not bound:
            return None
        labels = {**dict(series.labels), NAME: series.name + (suffix if suffix in _HISTOGRAM else "")}
        if suffix == "_bucket":
            labels["le"] = bound
        if not all(matcher.test()(labels.get(matcher.name, "")) for matcher in matchers):
            return None
        if series.kind != "histogram":
            return lambda cell: cell.sum
        return _at_most(float(bound)) if suffix == "_bucket" else _HISTOGRAM.get(suffix, _HISTOGRAM["_count"])

    def _answer(self, storage: Storage, end_ms: int) -> tuple[float, float] | None:
        indicator = self._indicator
        if isinstance(indicator, Ratio):
            total = _sum(indicator.total, storage, end_ms)
            part = _sum(indicator.bad or indicator.good, storage, end_ms) or 0.0
            if total is None:
                return None
            return (part if indicator.bad else total - part), total
        values = _values(indicator.source, storage, end_ms)
        if not values:
            return None
        if isinstance(indicator, Raw):
            mean = min(max(sum(values) / len(values), 0.0), 1.0)
            return (mean if indicator.kind == "failure" else 1 - mean), 1.0
        compare = COMPARE[indicator.op]
        return sum(not compare(value, indicator.value) for value in values) / len(values), 1.0


_HISTOGRAM: dict[str, _Count] = {
    "_count": lambda cell: cell.count,
    "_sum": lambda cell: cell.sum,
    "_bucket": lambda cell: cell.count,
}
"""How the series that rules see of a histogram count its cells."""


def units(events: float) -> int:
    """Events in units of the ledger; whole events exactly."""
    return int(events) * UNIT if events == int(events) else round(events * UNIT)


def _at_most(bound: float) -> _Count:
    return lambda cell: count_at_most(bound, cell.positive, cell.negative, cell.zeros)


def _beyond(threshold: Threshold) -> Amount:
    """The samples of a distribution on the wrong side of a bound, and all of them."""
    is_upper, within = threshold.op in ("lt", "lte"), _at_most(threshold.value)
    return lambda cell: ((cell.count - within(cell)) if is_upper else within(cell), cell.count)


def _sum(source: Source | None, storage: Storage, end_ms: int) -> float | None:
    values = _values(source, storage, end_ms) if source is not None else []
    return sum(values) if values else None


def _values(source: Source, storage: Storage, end_ms: int) -> list[float]:
    found = expression_of(source.query, "1m").evaluate(storage, end_ms)
    if isinstance(found, list):
        return [sample.value for sample in found if isfinite(sample.value)]
    return [found] if isinstance(found, float) and isfinite(found) else []
