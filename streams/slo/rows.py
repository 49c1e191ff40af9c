"""Minutes and budgets as rows of ``objective_minutes`` and ``objective_budgets``, in the order of their columns."""

from fractions import Fraction
from typing import Any

from schemas.slo import Objective, Occurrences
from streams.slo.budget import Budget
from streams.slo.measures import weight_of

_MOST = 2**63 - 1
_MINUTE_MS = 60_000


def minute_row(tenant: str, objective: Objective, version: int, minute: int, bad: int, total: int) -> tuple[Any, ...]:
    """A row of ``objective_minutes``. More than 9.2e9 events a minute do not fit, and are that many."""
    identity = (tenant, objective.name, objective.service, minute * _MINUTE_MS, version)
    return (*identity, *(max(min(units, _MOST), -_MOST) for units in (bad, total)))


def budget_row(
    tenant: str, objective: Objective, version: int, minute: int, budget: Budget, burn_rate: Fraction | None
) -> tuple[Any, ...]:
    """A row of ``objective_budgets``; ``burn_rate`` is that of the last hour."""
    observed, weight = budget.observed, weight_of(objective.method)
    gone_after = budget.exhausted_after(burn_rate)
    return (
        *(tenant, objective.name, objective.service, minute * _MINUTE_MS, version),
        *(budget.start * _MINUTE_MS, budget.end * _MINUTE_MS, float(budget.target), budget.state),
        "events" if isinstance(objective.method, Occurrences) else "slices",
        *(float(Fraction(amount) / weight) for amount in (observed.bad, observed.total, budget.allowed)),
        *(_float(share) for share in (budget.achieved, budget.used, budget.remaining, burn_rate)),
        None if gone_after is None else (minute + gone_after) * _MINUTE_MS,
        *(observed.seen, observed.missing, observed.excluded),
    )


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
