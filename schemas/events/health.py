"""Health events: heartbeats and check results."""

from typing import Annotated, Literal

import msgspec

from schemas.events.envelope import DEFAULT_TENANT, Envelope, Name, Text


class Health(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """The result of one check of one component. Each is a sign of life; silence means down."""

    service: Name
    """The service that was checked."""
    component: Annotated[str, msgspec.Meta(max_length=200)] = ""
    """Which part of the service; empty: the service as a whole."""
    status: Literal["up", "degraded", "down"]
    """How it is; ``degraded`` still counts as up."""
    check_duration_ms: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """How long the check took."""
    dependency: Annotated[str, msgspec.Meta(max_length=200)] = ""
    """The service or component that this check depends on, when it is one of a dependency."""
    message: Text = ""
    """What the check said."""
    tenant: Name = DEFAULT_TENANT
    """Whose data these are, where several organisations share an installation."""


class HealthEvent(Envelope, frozen=True, kw_only=True, gc=False, tag="tidewatch.health"):
    """A heartbeat or check result of a service."""

    data: Health


EXAMPLE = {
    "specversion": "1.0",
    "type": "tidewatch.health",
    "id": "d77a",
    "source": "/registry/1",
    "time": "2026-11-22T10:15:33Z",
    "data": {"service": "registry", "component": "database", "status": "up", "check_duration_ms": 3.5},
}
