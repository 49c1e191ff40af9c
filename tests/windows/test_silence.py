"""Catching up through hours without events: what cannot change anything is passed over, and nothing else is."""

from typing import Any

import pytest

from schemas.alert import Alert
from schemas.sla import Sla
from streams.batch import Partition
from streams.rules import RuleEngine, compile_rules
from streams.windows.deltas import PaneDelta, Pulse
from streams.windows.panes import Cell, Series
from streams.windows.shard import Shard
from streams.windows.tenant import Settings, Tenant
from streams.windows.watermark import Watermark
from tests.windows.deltas import delta

START = 1_700_000_000_000 // 60_000 * 60_000
HOUR = 3_600_000
SOURCE = Partition("security", 0)

RULES = """
groups:
  - name: g
    rules:
      - {alert: Failures, expr: 'increase(auth_failures_total[5m]) > 1', for: 30s, keep_firing_for: 10m}
      - {record: 'failures:rate', expr: 'sum by (service) (rate(auth_failures_total[10m]))'}
      - {alert: Some, expr: 'failures:rate > 0'}
      - {alert: Quiet, expr: 'absent(load)', for: 20m}
      - {alert: High, expr: 'avg_over_time(load[15m]) > 2'}
      - {alert: Down, expr: 'up == 0', for: 30s}
      - {alert: Level, expr: 'sla_availability_percent < 95'}
  - name: slow
    interval: 7m
    rules:
      - {alert: Late, expr: 'auth_failures_total - auth_failures_total offset 1h > 0'}
"""

NAMES = {"auth_failures_total": "counter", "load": "gauge", "up": "gauge", "requests_total": "counter"}


class Patient(Shard):
    """One that passes over nothing."""

    def _following(self, last_ms: int) -> int:
        return self._ticked_ms + self.evaluation_ms


def shard(kind: type[Shard]) -> Shard:
    groups, problems = compile_rules(RULES, "r.yml")
    assert not problems
    settings = Settings((60_000,), 600_000, 1000, 1000, Sla())
    return kind(Watermark(0), 1000, lambda name: Tenant(name, settings, RuleEngine(groups, name)))


def burst(number: int, at_ms: int) -> list[PaneDelta | Pulse]:
    """Failures, a load, heartbeats and failing requests within half a minute; then nobody says anything."""
    series = [Series(n, k, (("outcome", "error"), ("service", "s")), 10_000) for n, k in NAMES.items()]  # type: ignore[arg-type]
    cells = [
        (index, at_ms + second * 1000, Cell(1, 1.0, 1.0, 1.0, 3.0, at_ms + second * 1000))
        for second in (0, 10, 20)
        for index in range(len(series))
    ]
    failing = delta("t", SOURCE, (number, number), series, cells)
    return [failing, Pulse(wall_ms=at_ms, seen=[(SOURCE, at_ms + 25_000, at_ms)])]


def played(kind: type[Shard], records: list[PaneDelta | Pulse]) -> tuple[list[Alert], list[Any], int]:
    """The transitions, every series that rules wrote, and how many instants were looked at."""
    state, alerts, instants = shard(kind), [], 0
    for offset, record in enumerate(records):
        state.merge(record, offset)
        more = True
        while more:
            output = state.advance(1)
            instants += 1
            alerts += output.alerts
            more = output.more
    written = [(each.labels, each.timestamps, each.values) for each in state.tenants["t"].engine.recorded]
    return alerts, written, instants


@pytest.fixture(scope="module")
def records() -> list[PaneDelta | Pulse]:
    hours = (0, 0.2, 1.2, 3.5)
    return [record for number, at in enumerate(hours) for record in burst(number, START + int(at * HOUR))]


def test_silent_hours_change_nothing_and_cost_nothing(records: list[PaneDelta | Pulse]) -> None:
    expected, written, every = played(Patient, records)
    alerts, same, looked_at = played(Shard, records)

    assert alerts == expected
    assert same == written
    assert {alert.rule for alert in alerts} == {"Failures", "Some", "Quiet", "High", "Down", "Level", "Late"}
    assert every > 3.5 * 3600
    assert looked_at < every / 2
