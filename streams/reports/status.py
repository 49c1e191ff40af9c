"""How all services of a tenant do at one instant, with their last day: what one screen has room for."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from schemas.duration import duration_text
from streams.health.liveness import SILENT_MS
from streams.reports.asking import Ask, between, instant, rows
from streams.reports.document import Period
from streams.reports.sla.alerts import Fired, fired
from streams.reports.sla.scope import Scope
from streams.stored.sql import text

DAY_MS = 86_400_000
POINTS = 48
"""Of a sparkline over the last day."""
State = Literal["ok", "alerting", "down", "no data"]


class ServiceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One service."""

    service: str
    state: State
    why: str
    """A few words; empty: nothing is wrong."""
    availability: float | None
    """Of the last day, percent."""
    latest: float | None
    """Of the last window, percent."""
    p95_ms: float | None
    """Of the last window that has one."""
    per_second: float | None
    """Requests in the last window."""
    course: tuple[float | None, ...]
    """Availability over the last day, percent."""
    budget_left: float | None
    """Of the objective that has the least, percent."""
    objective: str
    firing: tuple[str, ...]
    """Rules, the worst first."""
    seen_ms: int
    """End of the last window in which it did anything."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """All of them, the worst first."""

    tenant: str
    at_ms: int
    is_well: bool
    services: tuple[ServiceStatus, ...]
    others: tuple[str, ...]
    """Rules that fire for no service."""


_RANK: dict[State, int] = {"down": 0, "alerting": 1, "no data": 2, "ok": 3}
_SEVERITIES = ("critical", "page", "high", "medium", "ticket", "low")


def status(ask: Ask, tenant: str, at_ms: int, window_ms: int) -> Status:
    """As it was known at an instant. Raises what asking raises."""
    day = Period(name="", start_ms=at_ms - DAY_MS, end_ms=at_ms)
    scope = Scope(tenant=tenant, period=day, window_ms=window_ms)
    firing = [each for each in fired(ask, scope) if each.end_ms >= at_ms]
    levels = {row["service"]: row for row in rows(ask, _levels(scope))}
    health: dict[str, list[dict[str, Any]]] = {}
    for row in rows(ask, _health(scope)):
        health.setdefault(row["service"], []).append(row)
    budgets = {row["service"]: row for row in rows(ask, _budgets(scope))}
    names = {each.service for each in firing if each.service} | levels.keys() | health.keys() | budgets.keys()
    found = [
        _service(name, levels.get(name), health.get(name, []), budgets.get(name), _of(firing, name), scope)
        for name in names
    ]
    found.sort(key=lambda each: (_RANK[each.state], each.service))
    others = tuple(_rules([each for each in firing if not each.service]))
    is_well = bool(found) and not others and all(each.state == "ok" for each in found)
    return Status(tenant=tenant, at_ms=at_ms, is_well=is_well, services=tuple(found), others=others)


def _service(
    name: str,
    level: dict[str, Any] | None,
    health: Sequence[dict[str, Any]],
    budget: dict[str, Any] | None,
    firing: Sequence[Fired],
    scope: Scope,
) -> ServiceStatus:
    level, budget = level or {}, budget or {}
    left = None if budget.get("remaining") is None else 100 * budget["remaining"]
    state, why = _state(level, health, left, budget.get("objective", ""), firing, scope.period.end_ms)
    if causes := sorted({each.cause for each in firing if each.cause}):
        why = f"{why}, because of {', '.join(causes)}"
    known = dict(zip(level.get("buckets", ()), level.get("percents", ()), strict=True))
    return ServiceStatus(
        service=name,
        state=state,
        why=why,
        availability=level.get("availability"),
        latest=level.get("latest"),
        p95_ms=level.get("p95_ms"),
        per_second=level.get("per_second"),
        course=tuple(known.get(place) for place in range(POINTS)),
        budget_left=left,
        objective=budget.get("objective", ""),
        firing=tuple(_rules(firing)),
        seen_ms=max(level.get("seen_ms", 0), *(row["seen_ms"] for row in health), 0),
    )


def _state(
    level: dict[str, Any],
    health: Sequence[dict[str, Any]],
    left: float | None,
    objective: str,
    firing: Sequence[Fired],
    at_ms: int,
) -> tuple[State, str]:
    for row in health:
        if row["last_status"] == "down":
            return "down", _said(row)
    if health and at_ms - (seen_ms := max(row["seen_ms"] for row in health)) > SILENT_MS:
        return "down", f"silent for {duration_text((at_ms - seen_ms) // 1000 * 1000)}"
    if firing:
        return "alerting", ", ".join(_rules(firing))
    if left is not None and left <= 0:
        return "alerting", f"the budget of {objective} is gone"
    degraded = next((row for row in health if row["last_status"] == "degraded"), None)
    if degraded is not None:
        return "alerting", _said(degraded)
    return ("ok", "") if level or health or left is not None else ("no data", "nothing came in a day")


def _said(row: dict[str, Any]) -> str:
    """What a component said of itself, or of what it depends on."""
    what = " of ".join(part for part in (row["dependency"], row["component"]) if part) or "the service"
    return f"{what} is {row['last_status']}" + (f": {row['last_message']}" if row["last_message"] else "")


def _of(firing: Sequence[Fired], service: str) -> list[Fired]:
    return [each for each in firing if each.service == service]


def _rules(firing: Sequence[Fired]) -> list[str]:
    """Their names, each once."""
    rank = {severity: place for place, severity in enumerate(_SEVERITIES)}
    ordered = sorted(firing, key=lambda each: (rank.get(each.severity, len(rank)), each.rule))
    return list(dict.fromkeys(each.rule for each in ordered))


def _levels(scope: Scope) -> str:
    start, size = scope.period.start_ms, DAY_MS // POINTS
    seconds = scope.window_ms // 1000
    return (
        "SELECT\n    service,\n    100 * (sum(requests) - sum(failed)) / nullIf(sum(requests), 0) AS availability,\n"
        "    groupArray(bucket) AS buckets,\n    groupArray(percent) AS percents,\n"
        "    argMax(latest, last) AS latest,\n    argMax(per_second, last) AS per_second,\n"
        "    argMaxIf(p95, last, isNotNull(p95)) AS p95_ms,\n"
        f"    max(last) + {scope.window_ms} AS seen_ms\nFROM\n(\n"
        "    SELECT\n        service,\n"
        f"        intDiv(toUnixTimestamp64Milli(s.window_start) - {start}, {size}) AS bucket,\n"
        "        sum(s.total) AS requests,\n        sum(s.errors) AS failed,\n"
        "        100 * (requests - failed) / nullIf(requests, 0) AS percent,\n"
        "        argMax(s.availability_percent, s.window_start) AS latest,\n"
        "        argMax(s.latency_p95_ms, s.window_start) AS p95,\n"
        "        argMax(s.throughput_per_second, s.window_start) AS per_second,\n"
        "        max(toUnixTimestamp64Milli(s.window_start)) AS last\n"
        f"    FROM sla AS s\n    WHERE tenant = {text(scope.tenant)} AND window_seconds = {seconds}\n"
        f"        AND {between('window_start', start, scope.period.end_ms)}\n"
        "    GROUP BY service, bucket\n)\nGROUP BY service"
    )


def _health(scope: Scope) -> str:
    """The last thing that was said of each component and of what it depends on."""
    return (
        "SELECT\n    service,\n    component,\n    dependency,\n"
        "    toString(argMax(h.status, h.time)) AS last_status,\n"
        "    argMax(h.message, h.time) AS last_message,\n    max(toUnixTimestamp64Milli(h.time)) AS seen_ms\n"
        f"FROM raw_health AS h\nWHERE tenant = {text(scope.tenant)}\n"
        f"    AND {between('h.time', scope.period.start_ms, scope.period.end_ms)}\n"
        "GROUP BY service, component, dependency\nORDER BY service, component, dependency"
    )


def _budgets(scope: Scope) -> str:
    """Of each service the objective with the least left."""
    return (
        "SELECT service, argMin(name, rest) AS objective, min(rest) AS remaining\nFROM\n(\n"  # noqa: S608
        "    SELECT service, objective AS name, argMax(b.remaining, (b.at, b.version)) AS rest\n"
        f"    FROM objective_budgets AS b\n    WHERE tenant = {text(scope.tenant)}\n"
        f"        AND b.at > {instant(scope.period.start_ms)} AND b.at <= {instant(scope.period.end_ms)}\n"
        "    GROUP BY service, objective\n)\nGROUP BY service"
    )
