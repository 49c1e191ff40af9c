"""What loads and is probably not meant."""

from collections.abc import Iterable, Iterator

from schemas.slo import Objective, Occurrences, Slices, Threshold
from schemas.yamltext import Problem
from streams.slo.sources import is_of_distribution
from streams.windows.histograms import LE_BOUNDS


def advice(objectives: Iterable[Objective]) -> list[Problem]:
    """Remarks in order of their places."""
    return sorted({remark for objective in objectives for remark in _remarks(objective)})


def _remarks(objective: Objective) -> Iterator[Problem]:
    name = objective.name
    for condition in objective.conditions:
        if condition.op in ("lt", "lte"):
            text = f"condition {condition.name!r} alerts while the budget of {name} does not burn"
            yield Problem(condition.place, text, "write op: gte, if that is not meant")
    indicator = objective.indicator
    if isinstance(indicator, Threshold) and is_of_distribution(indicator) and indicator.value not in LE_BOUNDS:
        text = f"{indicator.value:g} is no bucket that PromQL sees, so the exported rules of {name} find nothing"
        yield Problem(objective.place, text, f"the nearest is {_nearest(indicator.value):g}")
    if not objective.burn_rates and not objective.conditions:
        yield Problem(objective.place, f"{name} has no alerts", "name burn rates, or conditions of an alert policy")
    if isinstance(objective.method, Slices) and objective.method.op in ("lt", "lte"):
        text = f"slices of {name} are good when little in them is good"
        yield Problem(objective.place, text, "write op: gte, if that is not meant")
    if isinstance(objective.method, Occurrences) and not objective.minimum_events and objective.window.minutes <= 1440:
        text = f"{name} has a short window and no minimum of events, so one bad event at night may alert"
        yield Problem(objective.place, text, "say how many events are enough: minimum_events, tidewatch/minimum-events")


def _nearest(value: float) -> float:
    return min(LE_BOUNDS, key=lambda bound: abs(bound - value))
