"""The questions that the demo puts to ClickHouse, live and at the end: the views that an analyst would read."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from demo.state import Level, Score, Transition

MINUTES = 60
"""How far back the history of a service level goes."""

SHOWN_TRANSITIONS = 60


class Queries(Protocol):
    """What is asked of :class:`sinks.clickhouse.ClickHouse`."""

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]: ...


def counts(clickhouse: Queries) -> dict[str, int]:
    """Rows of all raw tables together, dead letters, and windows of metric series."""
    [row] = clickhouse.query("""
        SELECT
            (SELECT count() FROM raw_metrics) + (SELECT count() FROM raw_security)
                + (SELECT count() FROM raw_processing) + (SELECT count() FROM raw_health) AS raw_rows,
            (SELECT count() FROM dead_letters) AS dead_letters,
            (SELECT count() FROM windows FINAL) AS windows
    """)
    return row


def dead_letters(clickhouse: Queries) -> dict[str, int]:
    """Dead letters by reason, the most frequent first."""
    rows = clickhouse.query(
        "SELECT reason, count() AS letters FROM dead_letters GROUP BY reason ORDER BY letters DESC, 1"
    )
    return {row["reason"]: row["letters"] for row in rows}


def levels(clickhouse: Queries) -> list[Level]:
    """Each service's last closed minute, and its availability in the minutes before."""
    rows = clickhouse.query(
        """
        WITH (SELECT max(window_start) FROM sla_windows WHERE window_seconds = 60) AS newest
        SELECT service, window_start, availability_percent, latency_p95_ms, error_ratio
        FROM sla
        WHERE window_seconds = 60 AND window_start > subtractMinutes(newest, {minutes:UInt32})
        ORDER BY service, window_start
        """,
        {"minutes": MINUTES},
    )
    if not rows:
        return []
    newest = max(row["window_start"] for row in rows)
    services: dict[str, dict[datetime, dict[str, Any]]] = {}
    for row in rows:
        services.setdefault(row["service"], {})[row["window_start"]] = row
    return [_level(service, minutes, newest) for service, minutes in services.items()]


def _level(service: str, minutes: dict[datetime, dict[str, Any]], newest: datetime) -> Level:
    nothing: dict[str, Any] = {}
    last = minutes.get(newest, nothing)
    starts = [newest - timedelta(minutes=back) for back in range(MINUTES - 1, -1, -1)]
    history = [minutes.get(start, nothing).get("availability_percent") for start in starts]
    return Level(
        service, last.get("availability_percent"), last.get("latency_p95_ms"), last.get("error_ratio"), history
    )


def scores(clickhouse: Queries) -> list[Score]:
    """Verdicts of each framework over everything stored."""
    rows = clickhouse.query("""
        SELECT framework, sum(s.evaluated) AS evaluated, sum(s.compliant) AS compliant, sum(s.violations) AS violations
        FROM compliance_scores AS s
        GROUP BY framework
        ORDER BY framework
    """)
    return [Score(**row) for row in rows]


def transitions(clickhouse: Queries) -> list[Transition]:
    """The latest transitions of alerts, newest first."""
    rows = clickhouse.query(
        """
        SELECT
            changed_at AS at,
            state,
            rule,
            labels['severity'] AS severity,
            annotations['summary'] AS summary,
            annotations['description'] AS description
        FROM alert_history FINAL
        WHERE reason IN ('condition_true', 'held_for', 'condition_false')
        ORDER BY changed_at DESC, recorded_at DESC, rule
        LIMIT {limit:UInt32}
        """,
        {"limit": SHOWN_TRANSITIONS},
    )
    return [Transition(**row) for row in rows]


def alerts(clickhouse: Queries) -> dict[str, int]:
    """Number of alerts by their present state."""
    return {row["state"]: row["n"] for row in clickhouse.query("SELECT state, count() AS n FROM alerts GROUP BY state")}
