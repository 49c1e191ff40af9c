"""From series to minutes: what a pane adds to the ledger of an objective, and what a query gives once a minute."""

from collections.abc import Callable
from math import isfinite

from schemas.slo import Objective, Ratio, Raw, Source, Threshold
from streams.promql.matcher import Matcher
from streams.promql.moment import Resolver, Selection
from streams.promql.storage import Storage
from streams.promql.values import NAME
from streams.slo.ledger import UNIT
from streams.slo.measures import COMPARE
from streams.slo.sources import expression_of, is_of_distribution, matchers_of, sources_of
from streams.windows.panes import Cell, Series
from streams.windows.sketch import count_at_most

Amount = Callable[[Cell], tuple[int, int]]
"""(bad, total) that a cell adds, in units of the ledger."""
_Count = Callable[[Cell], float]


class Intake:
    """What an objective needs from the series of a tenant, any one. Raises Rejected for what cannot be compiled."""

    def __init__(self, objective: Objective) -> None:
        self._indicator = indicator = objective.indicator
        self._expressions = {
            source.query: expression_of(source.query, "1m") for source in sources_of(indicator) if source.query
        }
        self.asks = bool(self._expressions)
        """Whether it has queries: :meth:`ask` once a minute, after the minute is over."""
        self._sides: list[tuple[list[Selector], int, int]] = []
        if isinstance(indicator, Ratio):
            self._side(indicator.total, 0 if indicator.bad else 1, 1)
            self._side(indicator.good, -1, 0)
            self._side(indicator.bad, 1, 0)
        elif is_of_distribution(indicator):
            self._side(indicator.source, 1, 1)

    def selectors(self) -> list["Selector"]:
        """What it takes; :meth:`amount` of other series is None."""
        return [selector for selectors, _, _ in self._sides for selector in selectors]

    def selections(self) -> list[Selection]:
        """What its queries read: matchers, and how far back in ms."""
        return [found for expression in self._expressions.values() for found in expression.selectors()]

    def amount(self, series: Series) -> Amount | None:
        """What the panes of a series add to the ledger; None: nothing."""
        bads: list[tuple[_Count, int]] = []
        totals: list[_Count] = []
        for selectors, bad, total in self._sides:
            counts = [count for selector in selectors if (count := selector.count(series)) is not None]
            bads += [(count, bad) for count in counts if bad]
            totals += counts if total else []
        if not bads and not totals:
            return None
        if isinstance(self._indicator, Threshold):
            return _beyond(self._indicator)
        return lambda cell: (
            units(sum([count(cell) * sign for count, sign in bads])),
            units(sum([count(cell) for count in totals])),
        )

    def ask(self, storage: Storage | Resolver, end_ms: int) -> tuple[int, int] | None:
        """(bad, total) in units of the minute that ends then, by the queries; None when they give no finite number.

        Raises Rejected when the data make a query impossible.
        """
        found = self._answer(storage, end_ms)
        return None if found is None else (units(found[0]), units(found[1]))

    def _side(self, source: Source | None, bad: int, total: int) -> None:
        if source is not None and source.series:
            self._sides.append(([Selector(matchers_of(selector)) for selector in source.series], bad, total))

    def _answer(self, storage: Storage | Resolver, end_ms: int) -> tuple[float, float] | None:
        indicator = self._indicator
        if isinstance(indicator, Ratio):
            totals = self._values(indicator.total, storage, end_ms)
            part = sum(self._values(indicator.bad or indicator.good, storage, end_ms))
            if not totals:
                return None
            return (part if indicator.bad else sum(totals) - part), sum(totals)
        values = self._values(indicator.source, storage, end_ms)
        if not values:
            return None
        if isinstance(indicator, Raw):
            mean = min(max(sum(values) / len(values), 0.0), 1.0)
            return (mean if indicator.kind == "failure" else 1 - mean), 1.0
        compare = COMPARE[indicator.op]
        return sum(not compare(value, indicator.value) for value in values) / len(values), 1.0

    def _values(self, source: Source | None, storage: Storage | Resolver, end_ms: int) -> list[float]:
        if source is None or not source.query:
            return []
        found = self._expressions[source.query].evaluate(storage, end_ms)
        if isinstance(found, list):
            return [sample.value for sample in found if isfinite(sample.value)]
        return [found] if isinstance(found, float) and isfinite(found) else []


class Selector:
    """A plain selector, as increments of series are taken by it."""

    def __init__(self, matchers: tuple[Matcher, ...]) -> None:
        self._tests = [(matcher.name, matcher.test()) for matcher in matchers]
        exact = {matcher.name: matcher.value for matcher in reversed(matchers) if matcher.op == "="}
        self.name = exact.get(NAME, "")
        """The one name that it selects; empty: any."""
        self.service = exact.get("service", "")
        """The one service that it selects; empty: any."""
        self._bound = exact.get("le", "")

    def count(self, series: Series) -> "_Count | None":
        """How it counts the cells of a series; None when it does not select it."""
        suffix = self.name.removeprefix(series.name) if series.kind == "histogram" else ""
        if suffix == "_bucket" and not self._bound:
            return None
        labels = {**dict(series.labels), NAME: series.name + (suffix if suffix in SHOWN_AS else "")}
        if suffix == "_bucket":
            labels["le"] = self._bound
        if not all(test(labels.get(name, "")) for name, test in self._tests):
            return None
        if series.kind != "histogram":
            return lambda cell: cell.sum
        return _at_most(float(self._bound)) if suffix == "_bucket" else SHOWN_AS.get(suffix, SHOWN_AS["_count"])


SHOWN_AS: dict[str, _Count] = {
    "_count": lambda cell: cell.count,
    "_sum": lambda cell: cell.sum,
    "_bucket": lambda cell: cell.count,
}
"""How the series that rules see of a histogram count its cells."""


def units(events: float) -> int:
    """Events in units of the ledger; whole events exactly. What is no number says nothing."""
    if not isfinite(events):
        return 0
    return int(events) * UNIT if events == int(events) else round(events * UNIT)


def _at_most(bound: float) -> _Count:
    return lambda cell: count_at_most(bound, cell.positive, cell.negative, cell.zeros)


def _beyond(threshold: Threshold) -> Amount:
    """The samples of a distribution on the wrong side of a bound, and all of them."""
    is_upper, within = threshold.op in ("lt", "lte"), _at_most(threshold.value)
    return lambda cell: (units((cell.count - within(cell)) if is_upper else within(cell)), units(cell.count))
