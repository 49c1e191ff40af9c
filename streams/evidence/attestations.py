"""Attestations as rules see them: a gauge of the seconds for which each still holds."""

from datetime import UTC, datetime

from schemas.events import MetricEvent
from schemas.events.metric import Metric

SERIES = "compliance_attestation_seconds_left"
SERVICE = "compliance"
"""The service that the series is said to be of: a control belongs to no single one."""


def event(tenant: str, control: str, until_ms: int, now_ms: int) -> MetricEvent:
    """The gauge at ``now_ms`` for a control such as ``soc2 CC1.1``; it is negative when the attestation has expired."""
    framework, _, name = control.partition(" ")
    data = Metric(
        tenant=tenant,
        service=SERVICE,
        name=SERIES,
        kind="gauge",
        value=(until_ms - now_ms) / 1000,
        unit="s",
        labels={"framework": framework, "control": name},
    )
    return MetricEvent(
        specversion="1.0",
        id=f"{control} {now_ms}",
        source="/tidewatch/evidence",
        time=datetime.fromtimestamp(now_ms / 1000, UTC),
        data=data,
    )
