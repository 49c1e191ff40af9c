"""Whom and which time a report on service levels is about, and what does not count in it."""

from collections.abc import Iterator

import msgspec

from schemas.slo import Maintenance
from streams.reports.asking import listed
from streams.reports.document import Period, Span
from streams.slo.maintenance import Stretch, stretches
from streams.stored.sql import text

MINUTE_MS = 60_000

_STEPS = (1, 5, 15, 30, 60, 120, 240, 360, 720, 1440)


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """The same for all parts of a report."""

    tenant: str
    period: Period
    services: tuple[str, ...] = ()
    """Empty: every one."""
    maintenance: tuple[Maintenance, ...] = ()
    window_ms: int = MINUTE_MS
    """The smallest stored window."""
    out_of_orderness_ms: int = 500
    """How far the clock of a partition lags behind the latest event."""

    @property
    def minutes(self) -> Stretch:
        """The period in minutes since the epoch."""
        return self.period.start_ms // MINUTE_MS, -(-self.period.end_ms // MINUTE_MS)

    def step_minutes(self, most: int = 200) -> int:
        """How far apart the points of a chart are, when there are at most so many."""
        first, last = self.minutes
        return next((step for step in _STEPS if (last - first) / step <= most), _STEPS[-1])

    def of_service(self, column: str = "service") -> str:
        """A condition, with its AND; empty for every service."""
        return f"\n    AND {column} IN {listed(self.services)}" if self.services else ""

    def outside_maintenance(self, column: str = "window_start") -> str:
        """A condition, with its AND, that leaves out the windows of the services in maintenance."""
        found = ", ".join(
            f"({text(service)}, {first * 60}, {last * 60})" for service, (first, last) in self._excluded()
        )
        if not found:
            return ""
        return (
            f"\n    AND NOT arrayExists(m -> (m.1 IN ('', service)) AND toUnixTimestamp({column}) >= m.2"
            f" AND toUnixTimestamp({column}) < m.3,\n        [{found}])"
        )

    def spans(self) -> tuple[Span, ...]:
        """Maintenance, for charts."""
        first, last = self.minutes
        return tuple(
            Span(name=each.name, start_ms=start * MINUTE_MS, end_ms=end * MINUTE_MS)
            for each in self.maintenance
            if not self.services or not each.services or set(self.services) & set(each.services)
            for start, end in stretches([each], next(iter(each.services), ""), first, last)
        )

    def _excluded(self) -> Iterator[tuple[str, Stretch]]:
        """Service (empty: every one) and stretch."""
        first, last = self.minutes
        for each in self.maintenance:
            for service in each.services or ("",):
                for stretch in stretches([each], service, first, last):
                    yield service, stretch
