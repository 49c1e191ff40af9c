"""The objectives that all tenants of a worker have in common, ready to be counted and alerted on."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import product

from schemas.slo import Maintenance, Objective
from streams.promql.moment import Selection
from streams.promql.values import NAME
from streams.slo.burnrates import BurnRates, shipped
from streams.slo.intake import SHOWN_AS, Amount, Intake
from streams.slo.ledger import CHUNK_MINUTES
from streams.slo.measures import measure_of
from streams.slo.windows import window_at
from streams.windows.panes import Series

LATE_MINUTES = 1440
"""How long after its window what comes late is still counted into its minute."""

_shipped = lru_cache(maxsize=None)(shipped)


class Promise:
    """An objective, and all that follows from it alone. Raises Rejected for what cannot be compiled."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.intake = Intake(objective)
        self.measure = measure_of(objective)
        rates = _shipped(objective.burn_rates) if objective.burn_rates else BurnRates(1, ())
        self.rates = rates.scaled(objective.window.minutes, objective.severities)
        self._looks_back = max(
            [
                objective.no_data.after_minutes,
                *(rate.long for rate in self.rates),
                *(each.lookback_minutes + each.after_minutes for each in objective.conditions),
            ]
        )

    def oldest(self, now: int) -> int:
        """The minute before which nothing counts any more at minute ``now``, until the next chunk of a ledger."""
        now = now // CHUNK_MINUTES * CHUNK_MINUTES
        reached = min(window_at(self.objective.window, now)[0], now - self._looks_back) - LATE_MINUTES
        return reached // CHUNK_MINUTES * CHUNK_MINUTES


class Promises:
    """The objectives of the configuration.

    ``maintenance`` may be changed while it is used: budgets and alerts follow it from their next minute on.
    """

    def __init__(self, objectives: Iterable[Objective] = (), maintenance: Sequence[Maintenance] = ()) -> None:
        self.all = [Promise(objective) for objective in objectives]
        self.asking = [promise for promise in self.all if promise.intake.asks]
        self.maintenance = list(maintenance)
        self._promises: dict[tuple[str, str], list[Promise]] = {}
        """By the name and the service that a selector of theirs asks for; empty: any."""
        for promise in self.all:
            for selector in promise.intake.selectors():
                self._promises.setdefault((selector.name, selector.service), []).append(promise)

    def takers(self, series: Series) -> list[tuple[Promise, Amount]]:
        """Which objectives take the panes of a series, and what they add to each."""
        found: dict[str, tuple[Promise, Amount]] = {}
        names = [series.name, *(series.name + suffix for suffix in SHOWN_AS if series.kind == "histogram"), ""]
        for key in product(names, (dict(series.labels).get("service", ""), "")):
            for promise in self._promises.get(key, ()):
                amount = promise.intake.amount(series) if promise.objective.name not in found else None
                if amount is not None:
                    found[promise.objective.name] = promise, amount
        return list(found.values())

    def reach(self) -> tuple[set[str] | None, int]:
        """The names that queries can reach (None: any) and how far back, in milliseconds."""
        selections: list[Selection] = [each for promise in self.asking for each in promise.intake.selections()]
        exact = [[m.value for m in matchers if m.name == NAME and m.op == "="] for matchers, _ in selections]
        names = {name for each in exact for name in each} if all(exact) else None
        return names, max((back_ms for _, back_ms in selections), default=0)
