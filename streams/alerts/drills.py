"""Test alerts for every route of an Alertmanager: labels that lead there, and whom they ought to reach."""

import re
from collections.abc import Sequence

import msgspec

from schemas.alert import Alert
from schemas.duration import milliseconds
from schemas.failures import Rejected
from streams.alerts.routes import Route
from streams.promql.matcher import Matcher

LABEL = "drill"
"""The label that tells a test alert from a real one; its value is the drill's id."""

NAME = "TidewatchDrill"

_GROUPING = re.compile(r"[()]|\?:")


class Drill(msgspec.Struct, frozen=True):
    """A test alert for one route."""

    route: str
    """Its matchers, after those of the routes above it."""
    labels: dict[str, str]
    """Empty when no label set is found that leads there."""
    receivers: tuple[str, ...]
    """Whom the configuration says it reaches."""
    group_wait_ms: int


def drills(root: Route, drill: str) -> list[Drill]:
    """One for each route, from the top down."""
    return [_drill(root, path, drill) for path in root.paths()]


def _drill(root: Route, path: Sequence[Route], drill: str) -> Drill:
    matchers = [matcher for route in path for matcher in route.matchers]
    name = "{" + ", ".join(map(str, matchers)) + "}"
    solved = _solve(matchers)
    if solved is None:
        return Drill(name, {}, (), 0)
    labels = {"alertname": NAME, "service": LABEL} | solved | {LABEL: drill}
    receivers = tuple(dict.fromkeys(route.receiver for route in root.reached(labels)))
    return Drill(name, {label: value for label, value in labels.items() if value}, receivers, _wait_ms(path[-1]))


def _solve(matchers: Sequence[Matcher]) -> dict[str, str] | None:
    """Values of labels with which all matchers fit; None when none is found."""
    solved: dict[str, str] = {}
    for label in {matcher.name: None for matcher in matchers}:
        own = [matcher for matcher in matchers if matcher.name == label]
        values = [value for matcher in own for value in _candidates(matcher)]
        fitting = (value for value in values if all(matcher.test()(value) for matcher in own))
        value = next(fitting, None)
        if value is None:
            return None
        solved[label] = value
    return solved


def _candidates(matcher: Matcher) -> list[str]:
    """Values that may fit: what stands there, and for a pattern its alternatives, read as plain text."""
    if matcher.op == "=":
        return [matcher.value]
    plain = [re.sub(r"\.[*+]", LABEL, part).replace("\\", "") for part in _GROUPING.sub("", matcher.value).split("|")]
    return [*(plain if matcher.op == "=~" else ()), LABEL, ""]


def _wait_ms(route: Route) -> int:
    try:
        return milliseconds(route.group_wait)
    except Rejected:
        return 0


def alert_of(drill: Drill, now_ms: int) -> Alert:
    """The test alert; it says that it is one."""
    text = f"This is a drill of the route {drill.route}: nothing is wrong."
    return Alert(
        tenant=drill.labels.get("tenant", "default"),
        rule=drill.labels["alertname"],
        group="",
        labels=drill.labels,
        annotations={"summary": "This is a drill", "description": text},
        state="firing",
        reason="condition_true",
        value=1.0,
        active_at_ms=now_ms,
        changed_at_ms=now_ms,
    )
