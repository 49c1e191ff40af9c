"""The series that Tidewatch itself makes, of security and health events and of verdicts, and what they observed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.events import HealthEvent, SecurityEvent
from schemas.policy import Verdict
from streams.windows.panes import Kind
from streams.windows.series import SeriesTable

Observations = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Numbers of series, times in epoch ms, values."""


class MadeSeries:
    """Those of one batch. ``described`` says of each series of the table what rows say of it."""

    def __init__(self, table: SeriesTable, described: list[tuple[str, str, str, str, str, str]], pane_ms: int) -> None:
        self._table = table
        self._described = described
        self.pane_ms = pane_ms
        self._ids: list[int] = []
        self._times: list[int] = []
        self._values: list[float] = []

    def observations(self) -> Observations:
        """Of all events so far."""
        ids, times = np.array(self._ids, dtype=np.int64), np.array(self._times, dtype=np.int64)
        return ids, times, np.array(self._values, dtype=np.float64)

    def security(self, event: SecurityEvent, address: str, time_ms: int) -> None:
        """``address``: as it is stored."""
        counted = {"kind": event.data.kind, "outcome": event.data.outcome}
        self._observe(event, "security_events_total", "counter", time_ms, 1.0, counted)
        if event.data.kind == "auth_failure":
            self._observe(event, "auth_failures_total", "counter", time_ms, 1.0, {"address": address})

    def health(self, event: HealthEvent, time_ms: int) -> None:
        """Whether the component is up, how long its check took, and whether the dependency that it names is up."""
        data, is_up = event.data, float(event.data.status != "down")
        component = {"component": data.component}
        self._observe(event, "up", "gauge", time_ms, is_up, component)
        self._observe(event, "health_check_duration_ms", "histogram", time_ms, data.check_duration_ms, component)
        if data.dependency:
            check = {**component, "dependency": data.dependency}
            self._observe(event, "health_dependency", "gauge", time_ms, is_up, check)

    def evaluation(self, tenant: str, service: str, verdict: Verdict) -> int:
        """The number of the series that counts a verdict."""
        judged = {name: getattr(verdict, name) for name in ("policy", "framework", "control", "verdict")}
        return self._number(tenant, service, "compliance_evaluations_total", "counter", judged)

    def _observe(
        self, event: Any, name: str, kind: Kind, time_ms: int, value: float, labels: Mapping[str, str]
    ) -> None:
        self._ids.append(self._number(event.data.tenant, event.data.service, name, kind, labels))
        self._times.append(time_ms)
        self._values.append(value)

    def _number(self, tenant: str, service: str, name: str, kind: Kind, labels: Mapping[str, str]) -> int:
        key = (tenant, service, name, *labels.values())
        number = self._table.ids.get(key)
        if number is None:
            number = self._table.intern(key, tenant, name, kind, {**labels, "service": service}, self.pane_ms)
            self._described.append((tenant, service, name, kind, "", ""))
        return number
