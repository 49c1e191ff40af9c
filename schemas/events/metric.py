"""Metric events: one observation of one series."""

from typing import Annotated, Literal

import msgspec

from schemas.events.envelope import DEFAULT_TENANT, Envelope, Labels, Name


class Metric(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """One observation.

    ``counter``: ``value`` is an increment (not a running total) and is added.
    ``gauge``: ``value`` replaces the last one.
    ``histogram``: ``value`` is one measured sample, such as a latency; percentiles come from these.
    """

    service: Name
    """The service that observed it."""
    name: Name
    """Dotted or snake case, such as ``system.latency_ms``; rules see ``system_latency_ms``."""
    kind: Literal["counter", "gauge", "histogram"]
    """What ``value`` means; see above."""
    value: float
    """The increment, reading or sample, in ``unit``."""
    unit: Annotated[str, msgspec.Meta(max_length=32)] = ""
    """Such as ``ms``, ``By`` or ``%``; empty: none."""
    labels: Labels = {}
    """What tells the series of one name apart, such as region and method."""
    tenant: Name = DEFAULT_TENANT
    """Whose data these are, where several organisations share an installation."""


class MetricEvent(Envelope, frozen=True, kw_only=True, gc=False, tag="tidewatch.metric"):
    """A metric observed by a service."""

    data: Metric


EXAMPLE = {
    "specversion": "1.0",
    "type": "tidewatch.metric",
    "id": "4f1c0d2e",
    "source": "/checkout/7f9c4",
    "time": "2026-11-22T10:15:30.125Z",
    "data": {
        "service": "checkout",
        "name": "system.latency_ms",
        "kind": "histogram",
        "value": 45.2,
        "unit": "ms",
        "labels": {"method": "POST", "region": "eu-west-1"},
    },
}
