"""What could be saved: capacity beside how much of it is used.

What is needed is a high percentile of what was used and a margin on top, as Kubernetes' Vertical Pod Autoscaler has it
(``recommendation-margin-fraction`` 0.15), and may use the capacity up to 80 %, the threshold of the guide. Nothing is
said of less than a day of data, and nothing that would save less than a fifth.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

MARGIN = 1.15
FULL_PERCENT = 80.0
"""How much of the capacity may be in use."""
LEAST_SHARE = 0.1
"""Of the capacity, which is always kept: what was never needed may be needed once."""
WORTHWHILE = 0.8
"""Capacity is to be reduced to this share of itself, or less."""
LEAST_HOURS = 24

Resource = Literal["cpu", "memory"]
Action = Literal["scale_down_nodes", "right_size_memory", "auto_scale"]


class Spend(NamedTuple):
    """What a component of a service cost in a period."""

    service: str
    component: str
    currency: str
    resource: Resource | None
    """What it is the price of; None: something else."""
    amount: float


class Utilisation(NamedTuple):
    """How much of a resource of a service was in use, percent of its capacity."""

    service: str
    resource: Resource
    p50: float
    p95: float
    p99: float
    peak: float
    hours: int
    """With data."""


class Advice(NamedTuple):
    """What to do, what it rests on, and what it saves in a period like this one."""

    service: str
    action: Action
    utilisation: Utilisation
    share: float
    """Of the present capacity that is enough; of automatic scaling, that is enough half of the time."""
    cost: float
    saving: float
    currency: str


def advise(spends: Iterable[Spend], utilisations: Sequence[Utilisation]) -> list[Advice]:
    """The greatest saving first."""
    costs: dict[tuple[str, Resource, str], float] = {}
    for spend in spends:
        if spend.resource is not None:
            key = (spend.service, spend.resource, spend.currency)
            costs[key] = costs.get(key, 0.0) + spend.amount
    known = {(each.service, each.resource): each for each in utilisations if each.hours >= LEAST_HOURS}
    found = []
    for (service, resource, currency), cost in costs.items():
        used = known.get((service, resource))
        if used is not None and cost > 0:
            memory = known.get((service, "memory"))
            advice = _of_memory(used) if resource == "memory" else _of_cpu(used, memory)
            if advice is not None:
                action, share = advice
                found.append(Advice(service, action, used, share, cost, cost * (1 - share), currency))
    return sorted(found, key=lambda advice: (-advice.saving, advice.service, advice.action))


def _of_memory(used: Utilisation) -> tuple[Action, float] | None:
    share = enough(used.p99)
    return ("right_size_memory", share) if share <= WORTHWHILE else None


def _of_cpu(used: Utilisation, memory: Utilisation | None) -> tuple[Action, float] | None:
    """Nodes that are taken away take their memory along."""
    kept = enough(memory.p99) if memory is not None else 0.0
    share, typical = max(enough(used.p95), kept), max(enough(used.p50), kept)
    if share <= WORTHWHILE:
        return "scale_down_nodes", share
    return ("auto_scale", typical) if typical <= WORTHWHILE / 2 else None


def enough(percent: float) -> float:
    """The share of the capacity that is enough for a use of so many percent."""
    return max(percent * MARGIN / FULL_PERCENT, LEAST_SHARE)
