"""The events that services publish: one module a type, all of them CloudEvents 1.0.

``metric`` and ``health`` events travel on the topic ``metrics``, ``security`` on ``security`` and ``processing`` on
``data-processing``; a worker accepts any of them on any of the three.
"""

from schemas.events.envelope import DEFAULT_TENANT, Envelope
from schemas.events.health import Health, HealthEvent
from schemas.events.metric import Metric, MetricEvent
from schemas.events.processing import Processing, ProcessingEvent
from schemas.events.security import Security, SecurityEvent

Event = MetricEvent | SecurityEvent | ProcessingEvent | HealthEvent

__all__ = [
    "DEFAULT_TENANT",
    "Envelope",
    "Event",
    "Health",
    "HealthEvent",
    "Metric",
    "MetricEvent",
    "Processing",
    "ProcessingEvent",
    "Security",
    "SecurityEvent",
]
