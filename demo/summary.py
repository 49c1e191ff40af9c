"""What a run of the demo came to, from ClickHouse: an object for machines, tables for people."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from demo import figures
from demo.figures import Queries
from demo.view import FRAMEWORKS


class Minute(msgspec.Struct, frozen=True):
    """One minute of a service."""

    start: datetime
    availability_percent: float


class ServiceLevel(msgspec.Struct, frozen=True):
    """A service over the whole run."""

    availability_percent: float
    requests: int
    errors: int
    latency_p95_ms: float | None
    minutes: int
    """Minutes with requests."""
    minutes_breached: int
    """Those in which a target was missed."""
    worst_minute: Minute


class Framework(msgspec.Struct, frozen=True):
    """A compliance framework over the whole run."""

    score_percent: float | None
    evaluated: int
    violations: int


class Fired(msgspec.Struct, frozen=True):
    """One firing of an alert; times are event time."""

    rule: str
    labels: dict[str, str]
    fired_at: datetime
    resolved_at: datetime | None


class Summary(msgspec.Struct, frozen=True):
    """The whole run."""

    published: int
    """Records that the broker has taken."""
    raw_rows: int
    """Rows of all raw tables together."""
    dead_letters: int
    windows: int
    """Rows of windows of metric series, of all sizes."""
    alerts_fired: int
    alerts_resolved: int
    sla: dict[str, ServiceLevel]
    compliance: dict[str, Framework]
    seconds: float
    alerts: list[Fired]
    dead_letters_by_reason: dict[str, int]
    data: str
    """The directory in which ClickHouse's data and the log of the worker are kept."""

    @property
    def is_complete(self) -> bool:
        """Whether every published record is either a row or a dead letter."""
        return self.raw_rows + self.dead_letters == self.published


def summarise(clickhouse: Queries, published: int, seconds: float, data: str) -> Summary:
    """Count."""
    counts, alerts = figures.counts(clickhouse), fired(_transitions(clickhouse))
    return Summary(
        published=published,
        raw_rows=counts["raw_rows"],
        dead_letters=counts["dead_letters"],
        windows=counts["windows"],
        alerts_fired=len(alerts),
        alerts_resolved=sum(alert.resolved_at is not None for alert in alerts),
        sla=_service_levels(clickhouse),
        compliance={
            score.framework: Framework(_rounded(score.percent), score.evaluated, score.violations)
            for score in figures.scores(clickhouse)
        },
        seconds=round(seconds, 1),
        alerts=alerts,
        dead_letters_by_reason=figures.dead_letters(clickhouse),
        data=data,
    )


def fired(transitions: Iterable[dict[str, Any]]) -> list[Fired]:
    """Each firing with its end, in the order of firing, from transitions by time."""
    found: list[Fired] = []
    open_at: dict[tuple[str, int], int] = {}
    for row in transitions:
        identity = (row["tenant"], row["fingerprint"])
        if row["state"] == "firing":
            open_at[identity] = len(found)
            found.append(Fired(row["rule"], row["labels"], row["changed_at"], None))
        elif row["state"] == "resolved" and identity in open_at:
            at = open_at.pop(identity)
            found[at] = msgspec.structs.replace(found[at], resolved_at=row["changed_at"])
    return found


def _transitions(clickhouse: Queries) -> list[dict[str, Any]]:
    return clickhouse.query("""
        SELECT tenant, fingerprint, rule, labels, state, changed_at
        FROM alert_history FINAL
        WHERE reason IN ('condition_true', 'held_for', 'condition_false')
        ORDER BY changed_at, recorded_at, rule
    """)


def _service_levels(clickhouse: Queries) -> dict[str, ServiceLevel]:
    rows = clickhouse.query("""
        SELECT
            service,
            sum(s.total) AS requests,
            sum(s.errors) AS failed,
            count() AS minutes,
            countIf(breached) AS minutes_breached,
            argMin(window_start, availability_percent) AS worst_start,
            min(availability_percent) AS worst_percent,
            p95.ms AS latency_p95_ms
        FROM sla AS s
        LEFT JOIN
        (
            SELECT service, quantileExact(0.95)(value * 1000) AS ms
            FROM raw_metrics
            WHERE name = 'request_duration_seconds'
            GROUP BY service
        ) AS p95 USING (service)
        WHERE window_seconds = 60 AND s.total > 0
        GROUP BY service, p95.ms
        ORDER BY service
    """)
    return {
        row["service"]: ServiceLevel(
            availability_percent=100 * (row["requests"] - row["failed"]) / row["requests"],
            requests=int(row["requests"]),
            errors=int(row["failed"]),
            latency_p95_ms=_rounded(row["latency_p95_ms"]),
            minutes=row["minutes"],
            minutes_breached=row["minutes_breached"],
            worst_minute=Minute(row["worst_start"], row["worst_percent"]),
        )
        for row in rows
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


_TELLING = ("service", "address", "framework", "control")
"""Labels that say which of a rule's alerts it is, for a reader of one line."""


def table(summary: Summary) -> RenderableType:
    """For people."""
    total = Text.assemble(
        (f"{summary.published:,}", "bold"),
        " records published: ",
        (f"{summary.raw_rows:,}", "bold"),
        " rows + ",
        (f"{summary.dead_letters:,}", "bold"),
        " dead letters; ",
        (f"{summary.windows:,}", "bold"),
        f" windows; {summary.seconds:.0f} s.",
    )
    if not summary.is_complete:
        total.append("\nThey do not add up: see the log.", "bold red")
    return Group(total, "", _sla(summary), "", _compliance(summary), "", _alerts(summary), "", _letters(summary))


def _sla(summary: Summary) -> Table:
    found = _table("Service levels", "availability", "p95", "requests", "worst (UTC)", "breached")
    for service, level in summary.sla.items():
        worst = level.worst_minute
        found.add_row(
            service,
            f"{level.availability_percent:.3f} %",
            "–" if level.latency_p95_ms is None else f"{level.latency_p95_ms:,.0f} ms",
            f"{level.requests:,}",
            f"{worst.start:%H:%M} {worst.availability_percent:.2f} %",
            f"{level.minutes_breached} / {level.minutes} min",
        )
    return found


def _compliance(summary: Summary) -> Table:
    found = _table("Compliance", "score", "evaluated", "violations")
    for framework, score in summary.compliance.items():
        percent = "–" if score.score_percent is None else f"{score.score_percent:.2f} %"
        found.add_row(FRAMEWORKS.get(framework, framework), percent, f"{score.evaluated:,}", f"{score.violations:,}")
    return found


def _alerts(summary: Summary) -> Table:
    found = _table("Alerts", "fired", "resolved", "first fired (UTC)")
    rules: dict[str, list[Fired]] = {}
    for alert in summary.alerts:
        rules.setdefault(alert.rule, []).append(alert)
    for rule, alerts in rules.items():
        resolved = sum(alert.resolved_at is not None for alert in alerts)
        first = alerts[0]
        about = " ".join(first.labels[name] for name in _TELLING if name in first.labels)
        found.add_row(rule, str(len(alerts)), str(resolved), f"{first.fired_at:%H:%M:%S}  {about}")
    return found


def _letters(summary: Summary) -> Text:
    listed = ", ".join(f"{count} {reason}" for reason, count in summary.dead_letters_by_reason.items())
    return Text.assemble(("Dead letters", "bold"), f"  {listed or 'none'}")


def _table(title: str, *columns: str) -> Table:
    found = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for number, name in enumerate((title, *columns)):
        found.add_column(name, justify="right" if 0 < number < len(columns) else "left", no_wrap=True)
    found.columns[0].header_style = "bold"
    return found
