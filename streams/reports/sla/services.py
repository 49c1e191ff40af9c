"""Service levels of a period out of ``sla``: what each service promises by its targets, and what came of it."""

from collections.abc import Sequence
from typing import Any

from schemas.sla import Sla, Targets
from streams.reports.asking import Ask, between, rows
from streams.reports.document import Chart, Column, Figure, Limit, Line, Row, Section, Table, Tone
from streams.reports.sla.alerts import Fired, names
from streams.reports.sla.scope import MINUTE_MS, Scope
from streams.stored.sql import text

LEVELS, COURSE, WORST = "service levels", "course of service levels", "worst windows of services"

_MOST_LINES = 6
_MOST_WORST = 10

_COLUMNS = (
    Column(name="service"),
    Column(name="target", unit="%"),
    Column(name="availability", unit="%"),
    Column(name="change", unit="change"),
    Column(name="budget used", unit="%"),
    Column(name="downtime", unit="min"),
    Column(name="requests"),
    Column(name="failed"),
)
_SPEED_COLUMNS = (
    Column(name="service"),
    Column(name="target of p95", unit="ms"),
    Column(name="typical p95", unit="ms"),
    Column(name="worst p95", unit="ms"),
    Column(name="slow", unit="min"),
    Column(name="target per second"),
    Column(name="requests per second"),
)
_WORST_COLUMNS = (
    Column(name="service"),
    Column(name="from", unit="time"),
    Column(name="to", unit="time"),
    Column(name="availability", unit="%"),
    Column(name="failed"),
    Column(name="worst p95", unit="ms"),
    Column(name="alerts"),
)


def queries(scope: Scope) -> dict[str, str]:
    """Name -> SQL."""
    return {LEVELS: _levels(scope), COURSE: _course(scope), WORST: _worst(scope)}


def section(
    ask: Ask, scope: Scope, before: Scope, sla: Sla, alerts: Sequence[Fired]
) -> tuple[Section, list[dict[str, Any]]]:
    """The section, and what is known of each service."""
    found = rows(ask, _levels(scope))
    earlier = {row["service"]: row for row in rows(ask, _levels(before))}
    for row in found:
        _judge(row, earlier.get(row["service"]), sla.of(row["service"]), scope.window_ms)
    table = Table(
        title="Service levels",
        columns=_COLUMNS,
        rows=tuple(_row(row) for row in found),
        none="No service counted a request.",
        note="Change: against the period before, in percentage points. Budget: the share of requests that may fail. "
        "Downtime: minutes whose availability was below the target.",
        query=LEVELS,
    )
    charts = _charts(rows(ask, _course(scope)), found, scope) if found else ()
    return (
        Section(
            title="Services",
            text=f"Requests by their counters, in windows of {scope.window_ms // 1000} s.",
            figures=_figures(found),
            charts=charts,
            tables=(table, _speeds(found), _worst_table(rows(ask, _worst(scope)), alerts)),
        ),
        found,
    )


def _levels(scope: Scope) -> str:
    return (
        "SELECT\n    service,\n    sum(s.total) AS requests,\n    sum(s.errors) AS failed,\n"
        "    100 * (requests - failed) / nullIf(requests, 0) AS percent,\n    count() AS windows,\n"
        "    countIf(has(s.breaches, 'availability')) AS down,\n"
        "    countIf(has(s.breaches, 'response_time')) AS slow,\n"
        "    quantileExact(0.5)(s.latency_p95_ms) AS p95_typical_ms,\n    max(s.latency_p95_ms) AS p95_worst_ms,\n"
        f"    requests / (windows * {scope.window_ms // 1000}) AS per_second\n{_from(scope)}\n"
        "GROUP BY service\nORDER BY service"
    )


def _course(scope: Scope) -> str:
    return (
        f"SELECT\n    service,\n    {_bucket(scope.step_minutes())} AS at_ms,\n"
        "    100 * (sum(s.total) - sum(s.errors)) / nullIf(sum(s.total), 0) AS percent,\n"
        f"    max(s.latency_p95_ms) AS p95_ms\n{_from(scope)}\nGROUP BY service, at_ms\nORDER BY service, at_ms"
    )


def _worst(scope: Scope) -> str:
    minutes = worst_minutes(scope)
    return (
        f"SELECT\n    service,\n    {_bucket(minutes)} AS from_ms,\n    from_ms + {minutes * MINUTE_MS} AS to_ms,\n"
        "    sum(s.errors) AS failed,\n    100 * (sum(s.total) - failed) / nullIf(sum(s.total), 0) AS percent,\n"
        f"    max(s.latency_p95_ms) AS p95_ms\n{_from(scope)}\nGROUP BY service, from_ms\nHAVING failed > 0\n"
        f"ORDER BY failed DESC, service, from_ms\nLIMIT {_MOST_WORST}"
    )


def worst_minutes(scope: Scope) -> int:
    """How long the windows are that are told one by one."""
    first, last = scope.minutes
    return 5 if last - first <= 2 * 1440 else 60


def _bucket(minutes: int) -> str:
    size = minutes * MINUTE_MS
    return f"intDiv(toUnixTimestamp64Milli(s.window_start), {size}) * {size}"


def _from(scope: Scope) -> str:
    return (
        f"FROM sla AS s\nWHERE tenant = {text(scope.tenant)} AND window_seconds = {scope.window_ms // 1000}\n"
        f"    AND {between('window_start', scope.period.start_ms, scope.period.end_ms)}"
        f"{scope.of_service()}{scope.outside_maintenance()}"
    )


def _judge(row: dict[str, Any], before: dict[str, Any] | None, targets: Targets, window_ms: int) -> None:
    """Add the target, what it means for the budget, and the trend."""
    target, percent = targets.availability_percent, row["percent"]
    allowed = row["requests"] * (100 - target) / 100
    known_before = before is not None and before["percent"] is not None and percent is not None
    row["target"] = target
    row["target_p95_ms"], row["target_per_second"] = targets.response_time_ms, targets.throughput_per_second
    row["change"] = percent - before["percent"] if before is not None and known_before else None
    row["used"] = 100 * row["failed"] / allowed if allowed else None
    row["down_minutes"] = row["down"] * window_ms / MINUTE_MS
    row["slow_minutes"] = row["slow"] * window_ms / MINUTE_MS
    row["met"] = None if percent is None else percent >= target


def _row(row: dict[str, Any]) -> Row:
    return Row(
        cells=(
            *(row["service"], row["target"], row["percent"], row["change"], row["used"], row["down_minutes"]),
            *(row["requests"], row["failed"]),
        ),
        tone=tone(row["met"]),
    )


def _speeds(found: Sequence[dict[str, Any]]) -> Table:
    return Table(
        title="Response time and throughput",
        columns=_SPEED_COLUMNS,
        rows=tuple(
            Row(
                cells=(
                    *(row["service"], row["target_p95_ms"], row["p95_typical_ms"], row["p95_worst_ms"]),
                    *(row["slow_minutes"], row["target_per_second"], row["per_second"]),
                )
            )
            for row in found
        ),
        none="No service counted a request.",
        note="p95: the 95th percentile of the response time, of the typical and of the worst window. Slow: minutes in "
        "which it missed its target.",
        query=LEVELS,
    )


def tone(met: bool | None) -> Tone:
    """Of a promise."""
    return "" if met is None else "good" if met else "bad"


def _figures(found: Sequence[dict[str, Any]]) -> tuple[Figure, ...]:
    judged = [row for row in found if row["met"] is not None]
    if not judged:
        return ()
    met = sum(row["met"] for row in judged)
    worst = min(judged, key=lambda row: row["percent"] - row["target"])
    requests, failed = (sum(row[name] for row in judged) for name in ("requests", "failed"))
    return (
        Figure(
            name="Services that met their target",
            value=met,
            note=f"of {len(judged)}",
            tone="good" if met == len(judged) else "bad",
            query=LEVELS,
        ),
        Figure(
            name=f"Availability of {worst['service']}",
            value=worst["percent"],
            unit="%",
            tone=tone(worst["met"]),
            note=f"target {worst['target']:g} %, the nearest to its target or the farthest below",
            query=LEVELS,
        ),
        Figure(
            name="Downtime", value=sum(row["down_minutes"] for row in judged), unit="min", note="of all", query=LEVELS
        ),
        Figure(name="Failed requests", value=failed, note=f"of {requests:,.0f}", query=LEVELS),
    )


def _charts(course: Sequence[dict[str, Any]], found: Sequence[dict[str, Any]], scope: Scope) -> tuple[Chart, ...]:
    step_ms = scope.step_minutes() * MINUTE_MS
    times = tuple(range(scope.period.start_ms // step_ms * step_ms, scope.period.end_ms, step_ms))
    shown = sorted(sorted(found, key=lambda row: -row["failed"])[:_MOST_LINES], key=lambda row: str(row["service"]))
    values = {(row["service"], row["at_ms"]): row for row in course}

    def chart(title: str, unit: str, column: str, limits: tuple[Limit, ...] = ()) -> Chart:
        lines = (
            Line(name=name, values=tuple(values.get((name, at), {}).get(column) for at in times))
            for name in (row["service"] for row in shown)
        )
        return Chart(
            title=title,
            unit=unit,
            times_ms=tuple(max(at, scope.period.start_ms) for at in times),
            lines=tuple(lines),
            limits=limits,
            spans=scope.spans(),
            note="" if len(found) <= _MOST_LINES else f"The {_MOST_LINES} services with the most failures.",
            query=COURSE,
        )

    targets = sorted({row["target"] for row in shown})
    limits = tuple(Limit(name=f"target {target:g} %", value=target) for target in targets)
    charts = [chart("Availability", "%", "percent", limits)]
    if any(row["p95_worst_ms"] is not None for row in shown):
        charts.append(chart("Response time, 95th percentile of the worst window", "ms", "p95_ms"))
    return tuple(charts)


def _worst_table(found: Sequence[dict[str, Any]], alerts: Sequence[Fired]) -> Table:
    return Table(
        title="Worst windows of services",
        columns=_WORST_COLUMNS,
        rows=tuple(
            Row(
                cells=(
                    *(row["service"], row["from_ms"], row["to_ms"], row["percent"], row["failed"], row["p95_ms"]),
                    names(alerts, row["service"], "", row["from_ms"], row["to_ms"]),
                )
            )
            for row in found
        ),
        none="No request failed.",
        query=WORST,
    )
