"""Service level targets: a TOML file that users write, and what a service meets when there is none.

.. code-block:: toml

    [targets]                      # every service
    availability_percent = 99.9
    [services.checkout]            # one service: what differs
    response_time_ms = 250
"""

import msgspec


class Targets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a service promises. The defaults are those of an enterprise platform's guide."""

    availability_percent: float = 99.9
    response_time_ms: float = 100.0
    """95th percentile."""
    error_rate: float = 0.01
    """Errors per request."""
    throughput_per_second: float = 1000.0
    alert_below_percent: float = 95.0
    """Availability under which SLABreach fires."""


class Overrides(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The targets of one service that differ."""

    availability_percent: float | None = None
    response_time_ms: float | None = None
    error_rate: float | None = None
    throughput_per_second: float | None = None
    alert_below_percent: float | None = None


class Indicators(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which series say how a service does, by the names that rules see."""

    requests: list[str] = msgspec.field(
        default_factory=lambda: ["requests_total", "http_requests_total", "erlmcp_requests_total"]
    )
    """Counters of requests; those whose ``outcome`` is ``error`` are errors too."""
    errors: list[str] = msgspec.field(default_factory=lambda: ["errors_total", "erlmcp_errors_total"])
    """Counters of errors among requests that have no ``outcome`` label."""
    latency: list[str] = msgspec.field(
        default_factory=lambda: ["request_duration_seconds", "erlmcp_request_duration_seconds", "system_latency_ms"]
    )
    """Histograms; a name that ends in ``_seconds`` is in seconds, any other in milliseconds."""


class Sla(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    targets: Targets = Targets()
    indicators: Indicators = Indicators()
    services: dict[str, Overrides] = {}

    def of(self, service: str) -> Targets:
        """The targets of a service."""
        own = self.services.get(service)
        if own is None:
            return self.targets
        changed = {name: value for name, value in msgspec.structs.asdict(own).items() if value is not None}
        return msgspec.structs.replace(self.targets, **changed)
