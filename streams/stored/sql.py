"""Statements that give the panes of series out of ClickHouse: from the raw tables, or from stored windows.

Each gives one row a series and pane: (series, kind, service, labels as JSON, pane start ms, count, sum, min, max,
last, zeros, positive and negative buckets of the exponential histogram), as ``streams/ingest/fold.py`` made them of
the same events.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

IDENTITY = "series, kind, service, labels"

SLA_GAUGES = {
    "sla_availability_percent": "availability_percent",
    "sla_error_ratio": "error_ratio",
    "sla_latency_p95_ms": "latency_p95_ms",
    "sla_throughput_per_second": "throughput_per_second",
}
"""Gauges that stand in ``sla_windows``, and their columns."""


class Resolution(NamedTuple):
    """How far apart samples stand, in ms."""

    pane_ms: int
    """Of metric events, while raw rows are read."""
    security_pane_ms: int
    """Of the series that Tidewatch makes of other events."""
    windows_ms: tuple[int, ...]
    """The sizes of stored windows, ascending."""


class Events(NamedTuple):
    """A raw table as observations: how to select series, kind, service, labels and value."""

    table: str
    series: str
    kind: str
    labels: str
    value: str
    condition: str = "true"
    name: str = ""
    """The one series it gives; empty: ``series`` is an expression of many."""


_RULE_NAME = "concat(if(match(e.name, '^[0-9]'), '_', ''), replaceRegexpAll(e.name, '[^a-zA-Z0-9_:]', '_'))"
"""As ``streams.windows.series.rule_name`` has it."""


def _made(
    table: str, name: str, kind: str, labels: Sequence[str], value: str = "1.", condition: str = "true"
) -> Events:
    pairs = ", ".join(f"'{label}', toString(e.{label})" for label in labels)
    return Events(table, text(name), text(kind), f"toJSONString(map({pairs}))", value, condition, name)


def text(value: str) -> str:
    """A text literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


METRICS = Events("raw_metrics", _RULE_NAME, "toString(e.kind)", "toString(e.labels)", "e.value")

MADE = (
    _made("raw_security", "security_events_total", "counter", ("kind", "outcome")),
    _made("raw_security", "auth_failures_total", "counter", ("address",), condition="e.kind = 'auth_failure'"),
    _made("verdicts", "compliance_evaluations_total", "counter", ("policy", "framework", "control", "verdict")),
    _made("raw_health", "up", "gauge", ("component",), "e.status != 'down'"),
    _made("raw_health", "health_check_duration_ms", "histogram", ("component",), "e.check_duration_ms"),
)

_BUCKET = "toInt32(ceil(log2(abs(value) + (value = 0)) * 64) - 1)"
"""As ``streams.windows.sketch.indexes`` has it, at its scale of 6; a zero is in no bucket, but must not fail."""


def raw(wanted: Collection[str] | None, tenant: str, start_ms: int, end_ms: int, sizes: Resolution) -> str:
    """Panes of the events in ``[start_ms, end_ms)``. ``wanted``: names of series; None: all."""
    parts = [_folded(METRICS, wanted, tenant, start_ms, end_ms, sizes.pane_ms)]
    parts += [
        _folded(events, None, tenant, start_ms, end_ms, sizes.security_pane_ms)
        for events in MADE
        if wanted is None or events.name in wanted
    ]
    return " UNION ALL ".join(parts)


def _folded(
    events: Events, wanted: Collection[str] | None, tenant: str, start_ms: int, end_ms: int, pane_ms: int
) -> str:
    named = f" AND {events.series} IN ({_list(wanted)})" if wanted is not None else ""
    observed = (
        f"SELECT {events.series} AS series, {events.kind} AS kind, toString(e.service) AS service, "  # noqa: S608 - literals quoted
        f"{events.labels} AS labels, toUnixTimestamp64Milli(e.time) AS at, toFloat64({events.value}) AS value, _offset "
        f"FROM {events.table} AS e WHERE e.tenant = {text(tenant)} AND {_between('e.time', start_ms, end_ms)} "
        f"AND {events.condition}{named}"
    )
    return (
        f"SELECT {IDENTITY}, intDiv(at, {pane_ms}) * {pane_ms} AS pane, "  # noqa: S608
        "toFloat64(count()) AS count, sum(value) AS sum, min(value) AS min, max(value) AS max, "
        "argMax(value, (at, _offset)) AS last, "
        "toFloat64(countIf(kind = 'histogram' AND value = 0)) AS zeros, "
        f"sumMapIf([{_BUCKET}], [toUInt64(1)], kind = 'histogram' AND value > 0) AS positive, "
        f"sumMapIf([{_BUCKET}], [toUInt64(1)], kind = 'histogram' AND value < 0) AS negative "
        f"FROM ({observed}) GROUP BY {IDENTITY}, pane"
    )


def windows(wanted: Collection[str] | None, tenant: str, start_ms: int, end_ms: int, size_ms: int) -> str:
    """Stored windows of one size that lie within ``[start_ms, end_ms)``."""
    named = f" AND name IN ({_list(wanted)})" if wanted is not None else ""
    return (
        "SELECT toString(name) AS series, toString(kind) AS kind, toString(service) AS service, labels, "  # noqa: S608
        "toUnixTimestamp64Milli(window_start) AS pane, toFloat64(w.count) AS count, "
        "w.sum AS sum, w.min AS min, w.max AS max, w.last AS last, "
        "toFloat64(zero_count) AS zeros, (mapKeys(buckets), mapValues(buckets)) AS positive, "
        "(mapKeys(negative_buckets), mapValues(negative_buckets)) AS negative FROM windows AS w FINAL "
        f"WHERE tenant = {text(tenant)} AND window_seconds = {size_ms // 1000} "
        f"AND {_between('window_start', start_ms, end_ms - size_ms + 1)}{named}"
    )


def sla(wanted: Collection[str] | None, tenant: str, start_ms: int, end_ms: int, size_ms: int) -> str:
    """Service levels of stored windows as panes of gauges."""
    pairs = ", ".join(
        f"({text(name)}, {column})" for name, column in SLA_GAUGES.items() if wanted is None or name in wanted
    )
    return (
        "SELECT level.1 AS series, 'gauge' AS kind, toString(service) AS service, '{}' AS labels, "  # noqa: S608
        "toUnixTimestamp64Milli(window_start) AS pane, 1. AS count, 0. AS sum, 0. AS min, 0. AS max, "
        "assumeNotNull(level.2) AS last, "
        "0. AS zeros, (CAST([], 'Array(Int32)'), CAST([], 'Array(UInt64)')) AS positive, positive AS negative "
        f"FROM sla_windows FINAL ARRAY JOIN [{pairs}] AS level "
        f"WHERE tenant = {text(tenant)} AND window_seconds = {size_ms // 1000} AND isNotNull(level.2) "
        f"AND {_between('window_start', start_ms, end_ms - size_ms + 1)}"
    )


def recorded(wanted: Collection[str] | None, tenant: str, start_ms: int, end_ms: int) -> str:
    """Samples of recording rules in ``[start_ms, end_ms)``: identity, [(ms, value as text, ended)]."""
    return (
        "SELECT toString(name), toString(service), labels, "  # noqa: S608
        "groupArray((toUnixTimestamp64Milli(time), toString(value), ended)) "
        f"FROM recorded FINAL WHERE {_recorded(wanted, tenant, start_ms, end_ms)} GROUP BY name, service, labels"
    )


def recorded_identities(tenant: str, start_ms: int, end_ms: int) -> str:
    """Name, service and labels of the series that recording rules gave in ``[start_ms, end_ms)``."""
    where = _recorded(None, tenant, start_ms, end_ms)
    return f"SELECT DISTINCT toString(name), toString(service), labels FROM recorded WHERE {where}"  # noqa: S608


def recorded_panes(
    wanted: Collection[str] | None, unwanted: Collection[str], tenant: str, start_ms: int, end_ms: int, pane_ms: int
) -> str:
    """What recording rules gave by the ends of panes in ``[start_ms, end_ms)``, as panes of gauges."""
    return (
        "SELECT toString(name) AS series, 'gauge' AS kind, toString(service) AS service, labels, "  # noqa: S608
        f"intDiv(toUnixTimestamp64Milli(time) - 1, {pane_ms}) * {pane_ms} AS pane, 1. AS count, "
        "0. AS sum, 0. AS min, 0. AS max, argMax(value, time) AS last, "
        "0. AS zeros, (CAST([], 'Array(Int32)'), CAST([], 'Array(UInt64)')) AS positive, positive AS negative "
        f"FROM recorded FINAL WHERE {_recorded(wanted, tenant, start_ms + 1, end_ms + 1)} AND NOT ended "
        f"AND isFinite(value) AND name NOT IN ({_list(unwanted)}) GROUP BY {IDENTITY}, pane"
    )


def _recorded(wanted: Collection[str] | None, tenant: str, start_ms: int, end_ms: int) -> str:
    named = f" AND name IN ({_list(wanted)})" if wanted is not None else ""
    return f"tenant = {text(tenant)} AND {_between('time', start_ms, end_ms)}{named}"


def identities(panes: str) -> str:
    """The series that a statement of panes has."""
    return f"SELECT DISTINCT {IDENTITY} FROM ({panes})"  # noqa: S608


def classic(panes: str, bounds: Sequence[float]) -> str:
    """Panes with ``below`` in place of exponential buckets: how many values are at most each of the bounds.

    Buckets count by their midpoints, as in ``streams.windows.sketch.count_at_most``.
    """
    middle = "(exp2(i / 64) + exp2((i + 1) / 64)) / 2"
    listed = ", ".join(f"{bound!r}" for bound in bounds)
    below = (
        f"arrayMap(le -> if(le >= 0, zeros, 0) + arraySum((i, c) -> if({middle} <= le, c, 0), positive.1, positive.2) "
        f"+ arraySum((i, c) -> if(-{middle} <= le, c, 0), negative.1, negative.2), [{listed}])"
    )
    return (
        f"SELECT {IDENTITY}, pane, count, sum, last, "  # noqa: S608
        f"if(kind = 'histogram', {below}, CAST([], 'Array(Float64)')) AS below FROM ({panes})"
    )


def by_series(panes: str, columns: str, limit: int) -> str:
    """One row a series, with its panes as an array of tuples; at most ``limit`` panes in all."""
    return (
        f"SELECT {IDENTITY}, groupArray(({columns})) AS panes FROM (SELECT * FROM ({panes}) LIMIT {limit}) "  # noqa: S608
        f"GROUP BY {IDENTITY}"
    )


def before(panes: str) -> str:
    """What each series had counted in all its panes: (identity, start of the last one, count, sum, below)."""
    return (
        f"SELECT {IDENTITY}, max(pane), sum(count), sum(sum), sumForEach(below) FROM ({panes}) "  # noqa: S608
        f"WHERE kind != 'gauge' GROUP BY {IDENTITY}"
    )


def names(panes: str) -> str:
    """The names and kinds that a statement of panes has."""
    return f"SELECT DISTINCT series, kind FROM ({panes})"  # noqa: S608


def closed_until(tenant: str, size_ms: int, end_ms: int) -> str:
    """The end of the last stored window of a size that ends by ``end_ms``, as epoch ms; 0 without any."""
    return (
        f"SELECT max(toUnixTimestamp64Milli(window_start)) + {size_ms} FROM windows WHERE tenant = {text(tenant)} "  # noqa: S608
        f"AND window_seconds = {size_ms // 1000} AND window_start <= {_instant(end_ms - size_ms)}"
    )


def transitions(tenant: str, start_ms: int, end_ms: int) -> str:
    """Transitions of alerts in ``[start_ms, end_ms)``: labels and [(ms, state)], one row an alert."""
    return (
        "SELECT toJSONString(CAST(labels, 'Map(String, String)')), groupArray((toUnixTimestamp64Milli(changed_at), "  # noqa: S608
        "toUnixTimestamp64Milli(recorded_at), toString(state), toUnixTimestamp64Milli(active_at))) "
        f"FROM alert_history FINAL WHERE tenant = {text(tenant)} "
        "AND reason IN ('condition_true', 'held_for', 'condition_false') "
        f"AND {_between('changed_at', start_ms, end_ms)} GROUP BY rule, rule_group, labels"
    )


def _between(column: str, start_ms: int, end_ms: int) -> str:
    return f"{column} >= {_instant(start_ms)} AND {column} < {_instant(end_ms)}"


_LAST_MS = 10_413_791_999_999
"""The end of the year 2299, which is as far as ClickHouse's times go; no event is before 1970."""


def _instant(at_ms: int) -> str:
    return f"fromUnixTimestamp64Milli(toInt64({min(max(at_ms, 0), _LAST_MS)}), 'UTC')"


def _list(names: Collection[str]) -> str:
    return ", ".join(text(name) for name in sorted(names)) or "''"
