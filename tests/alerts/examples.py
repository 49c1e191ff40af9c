"""Alerts for tests, by the few things that matter to each."""

from typing import Any

from schemas.alert import Alert

NOW = 1_750_000_000_000


def alert(name: str = "HighLatency", state: Any = "firing", changed_at_ms: int = NOW, **fields: Any) -> Alert:
    """One alert of the service ``front``; ``labels`` come on top of ``alertname`` and ``service``."""
    labels = {"alertname": name, "service": "front"} | fields.pop("labels", {})
    given: dict[str, Any] = {
        "tenant": "default",
        "rule": name,
        "group": "slo.yml;latency",
        "annotations": {"summary": "slow"},
        "reason": "held_for",
        "value": 1.5,
        "active_at_ms": changed_at_ms - 60_000,
    } | fields
    return Alert(state=state, changed_at_ms=changed_at_ms, labels=labels, **given)
