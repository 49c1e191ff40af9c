"""The report of each day: which days are due, what its files are called, and the event that announces it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from schemas.events import MetricEvent
from schemas.events.metric import Metric
from streams.reports.asking import between, instant
from streams.reports.document import Period, Report
from streams.reports.period import period, previous

ANNOUNCED = "reports.written"
"""The counter that announces a report; its labels say which one."""
SERVICE = "tidewatch"

DAYS = 7
"""So many days are written afterwards when no worker was there."""


def due(zone: str, after_ms: int, now_ms: int) -> list[Period]:
    """The last days that have been over for ``after_ms``, the oldest first."""
    days = [period("day", zone, now_ms - after_ms)]
    while len(days) < DAYS:
        days.append(previous(days[-1]))
    return days[::-1]


def file_name(tenant: str, kind: str, of: Period, ending: str) -> str:
    """A path below the directory of reports; whatever a tenant is called, it stays below."""
    folder = quote(tenant, safe=" ").replace(".", "%2E")
    return f"{folder}/{kind}-{of.name}.{ending}"


def announcement(report: Report, digest: str, formats: Sequence[str], now_ms: int) -> MetricEvent:
    """One event a report. Written again after a crash, it has another id when what it says is different."""
    name = f"{report.tenant}/{report.kind}/{report.period.name}"
    return MetricEvent(
        specversion="1.0",
        id=f"report/{name[:150]}/{digest[-16:]}",
        source="/tidewatch/reports",
        time=datetime.fromtimestamp(now_ms / 1000, UTC),
        data=Metric(
            service=SERVICE,
            name=ANNOUNCED,
            kind="counter",
            value=1.0,
            labels={
                "kind": report.kind,
                "period": report.period.name,
                "digest": digest,
                "formats": ",".join(formats),
            },
            tenant=report.tenant,
        ),
    )


def announced(since_ms: int) -> str:
    """SQL: tenant and period of the reports on service levels that have been announced since."""
    return (
        "SELECT DISTINCT tenant, JSONExtractString(toString(labels), 'period') AS period FROM raw_metrics "  # noqa: S608
        f"WHERE service = '{SERVICE}' AND name = '{ANNOUNCED}' AND JSONExtractString(toString(labels), 'kind') = 'sla' "
        f"AND time >= {instant(since_ms)}"
    )


def tenants(of: Period) -> str:
    """SQL: who had service levels or objectives in a period."""
    each = (
        f"SELECT DISTINCT tenant FROM {table} WHERE {between(column, of.start_ms, of.end_ms)}"  # noqa: S608
        for table, column in (("sla_windows", "window_start"), ("objective_minutes", "minute"))
    )
    return f"SELECT DISTINCT tenant FROM ({' UNION ALL '.join(each)}) ORDER BY tenant"  # noqa: S608
