"""How an objective was kept over a period: counted by its own budget rules on the minutes that are stored."""

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise

import msgspec

from schemas.slo import Objective, Rolling, Slices
from streams.reports.asking import Ask, listed, rows
from streams.reports.sla.scope import Scope
from streams.slo.budget import Budget, Meter
from streams.slo.ledger import UNIT
from streams.slo.maintenance import Stretch, stretches
from streams.slo.measures import slice_minutes
from streams.stored.minutes import StoredMinutes, load_minutes
from streams.stored.sql import text

_MOST_CANDIDATES = 24
_MOST_WORST = 3
_BEFORE = 1440
"""Minutes before a period that say whether it begins in a silence."""


class Worst(msgspec.Struct, frozen=True):
    """A window in which an objective lost much; minutes since the epoch."""

    start: int
    end: int
    achieved: float | None
    """Percent."""
    used: float
    """Of the period's budget, percent."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one objective. Percentages, and minutes."""

    objective: Objective
    budget: Budget
    """Of the period as a whole, whatever the objective's own window is."""
    achieved: float | None
    before: float | None
    """What was achieved in the period before."""
    used: float | None
    down: int
    """Minutes, or minutes of slices, that were below the target by themselves."""
    worst: tuple[Worst, ...]
    since: int
    """The minute from which on data is expected."""

    @property
    def is_met(self) -> bool | None:
        """None when there is not enough data to tell."""
        return None if self.budget.achieved is None else self.budget.achieved >= self.objective.target


def kept(ask: Ask, scope: Scope, before: Scope, objectives: Sequence[Objective], worst_minutes: int) -> Iterator[Kept]:
    """Each objective that is in the scope."""
    chosen = [each for each in objectives if not scope.services or each.service in scope.services]
    known = {row["name"]: row["since"] for row in rows(ask, since_question(scope.tenant, chosen))} if chosen else {}
    start, end = scope.minutes
    for objective, minutes in load_minutes(ask, scope.tenant, chosen, min(before.minutes[0], start), end):
        since = max(known.get(objective.name, start), before.minutes[0])
        yield _kept(objective, minutes, scope, before, since, worst_minutes)


def courses(
    ask: Ask, scope: Scope, of: Sequence[Kept], times: Sequence[int]
) -> Iterator[tuple[Kept, tuple[float | None, ...]]]:
    """What was left of the budget of the period at some minutes, percent; of a few objectives, since it takes long."""
    start, end = scope.minutes
    loaded = load_minutes(ask, scope.tenant, [one.objective for one in of], start - _BEFORE, end)
    for one, (objective, minutes) in zip(of, loaded, strict=True):
        meter = _meter(objective, minutes, one.since, scope, end - start)
        yield one, tuple(_left(meter, one.budget, at) for at in times)


def since_question(tenant: str, objectives: Sequence[Objective]) -> str:
    """When each objective began to be counted, in minutes since the epoch."""
    names = listed([each.name for each in objectives])
    return (
        "SELECT objective AS name, intDiv(toUnixTimestamp64Milli(min(minute)), 60000) AS since FROM objective_minutes "  # noqa: S608
        f"WHERE tenant = {text(tenant)} AND objective IN {names} GROUP BY objective"
    )


def _kept(
    objective: Objective,
    minutes: StoredMinutes,
    scope: Scope,
    before: Scope,
    since: int,
    worst_minutes: int,
) -> Kept:
    start, end = scope.minutes
    meter = _meter(objective, minutes, since, scope, end - start)
    budget = meter.budget(end)
    first, last = before.minutes
    earlier = _meter(objective, minutes, since, before, last - first).budget(last) if since < last else None
    return Kept(
        objective=objective,
        budget=budget,
        achieved=_percent(budget.achieved),
        before=None if earlier is None else _percent(earlier.achieved),
        used=_percent(budget.used),
        down=_down(meter, minutes, start, end),
        worst=tuple(_worst(meter, minutes, budget, worst_minutes)),
        since=since,
    )


def _meter(objective: Objective, minutes: StoredMinutes, since: int, scope: Scope, length: int) -> Meter:
    """Over a window that is as long as the period."""
    over = msgspec.structs.replace(objective, window=Rolling(length))
    return Meter(over, minutes, since, scope.maintenance)


def _percent(share: object) -> float | None:
    return None if share is None else float(100 * share)  # type: ignore[operator]


def _down(meter: Meter, minutes: StoredMinutes, start: int, end: int) -> int:
    """Also those that are missing, when that is a breach; none that are excluded."""
    observed = meter.observe(start, end)
    length = slice_minutes(meter.objective.method)
    if isinstance(meter.objective.method, Slices):
        return observed.bad // UNIT * length
    down = minutes.down(start, end)
    for first, last in stretches(meter.maintenance, meter.objective.service, start, end):
        down -= minutes.down(first // length * length, -(-last // length) * length)
    return down + (observed.missing if meter.objective.no_data.means == "breach" else 0)


def _worst(meter: Meter, minutes: StoredMinutes, budget: Budget, length: int) -> Iterator[Worst]:
    """The windows that lost the most, the worst first."""
    if not budget.allowed:
        return
    found: list[tuple[int, Stretch, float | None]] = []
    for stretch in _candidates(meter, minutes, budget, length):
        observed = meter.observe(*stretch)
        if observed.bad:
            rate = observed.burn_rate(budget.target)
            achieved = None if rate is None else float(100 * (1 - rate * (1 - budget.target)))
            found.append((observed.bad, stretch, achieved))
    for bad, (start, end), achieved in sorted(found, key=lambda one: (-one[0], one[1]))[:_MOST_WORST]:
        yield Worst(start, end, achieved, float(100 * bad / budget.allowed))


def _candidates(meter: Meter, minutes: StoredMinutes, budget: Budget, length: int) -> Iterator[Stretch]:
    """Windows with the most that is bad, and those in which nothing came when that is a breach."""
    slices = slice_minutes(meter.objective.method)
    length = -(-length // slices) * slices
    edges = [budget.start, *range((budget.start // length + 1) * length, budget.end, length), budget.end]
    worst = set(minutes.worst(edges, _MOST_CANDIDATES))
    if meter.objective.no_data.means == "breach":
        gaps = minutes.gaps(budget.start, budget.end, meter.objective.no_data.after_minutes)
        silent = (
            place
            for place, (first, last) in enumerate(pairwise(edges))
            if any(begin < last and end > first for begin, end in gaps)
        )
        worst |= set(islice(silent, _MOST_CANDIDATES))
    return ((edges[place], edges[place + 1]) for place in sorted(worst))


def _left(meter: Meter, budget: Budget, at: int) -> float | None:
    """What was left of the period's budget at a minute, percent; below 0 when it was overdrawn."""
    if not budget.allowed or at <= budget.start:
        return 100.0 if budget.allowed else None
    return float(100 * (1 - meter.observe(budget.start, at).bad / budget.allowed))
