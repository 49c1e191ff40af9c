"""Events as rows of a chDB directory, and the API over it."""

from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from aiohttp import web

from schemas.config import ClickHouse as Settings
from schemas.config import Config
from schemas.sla import Sla
from schemas.tables import COLUMNS
from sinks.clickhouse import ClickHouse
from sinks.migrations import migrate
from streams import api
from streams.rules.compiled import compile_rules
from streams.rules.engine import RuleEngine
from streams.windows.columns import batch
from streams.windows.panes import Cell, Series
from streams.windows.shard import Shard
from streams.windows.tenant import Settings as TenantSettings
from streams.windows.tenant import Tenant
from streams.windows.watermark import Watermark
from tests.sinks.rows import START_MS

T = START_MS // 3_600_000 * 3_600_000
"""A full hour, recent enough not to have expired."""

RULES = """
groups:
  - name: logins
    rules:
      - record: service:requests:rate1m
        expr: sum by (service) (rate(requests_total[1m]))
      - alert: TooMany
        expr: requests_total > 10
        for: 20s
        labels: {severity: high}
        annotations: {summary: "{{ $value }} requests"}
"""

_tokens = count()

Observation = tuple[int, str, str, float, str]
"""Milliseconds after T, name, kind, value, labels as JSON."""


def database(directory: Path) -> ClickHouse:
    sink = ClickHouse(Settings(url=f"chdb:{directory / 'data'}"))
    migrate(sink)
    return sink


def insert(sink: ClickHouse, table: str, rows: Sequence[dict[str, Any]]) -> None:
    """Rows of which only some columns are said."""
    located = {"tenant": "default", "service": "shop", "_topic": "t", "_partition": 0, "_incarnation": "a"}
    full = [
        {**_EMPTY, **located, "_offset": offset, "ingested_at": T, "event_id": str(offset), **row}
        for offset, row in enumerate(rows)
    ]
    sink.insert(table, {name: [row[name] for row in full] for name in COLUMNS[table]}, f"{table}-{next(_tokens)}")


_EMPTY: dict[str, Any] = {
    **dict.fromkeys(("unit", "source", "dependency", "message", "actor", "address", "target", "action", "reason"), ""),
    **dict.fromkeys(("purpose", "component", "step", "author", "comment"), ""),
    **dict.fromkeys(("noted_at", "until"), 0),
    **dict.fromkeys(("encrypted", "authorized", "mfa"), None),
    "attributes": {},
    "sealed": {},
    "event_type": "processing",
    "event_digest": bytes(32),
    **dict.fromkeys(("severity", "policy_digest"), ""),
}


def observed(sink: ClickHouse, observations: Sequence[Observation], tenant: str = "default") -> None:
    """Metric events."""
    rows = [
        {"time": T + at, "tenant": tenant, "name": name, "kind": kind, "value": value, "labels": labels}
        for at, name, kind, value, labels in observations
    ]
    insert(sink, "raw_metrics", rows)


def shard(rules: str = RULES) -> Shard:
    """One whose tenant ``default`` counted 5 requests every 10 s for a minute; rules were evaluated every second."""
    groups, problems = compile_rules(rules, "rules.yml")
    assert not problems
    settings = TenantSettings((60_000,), 600_000, 1000, 1000, Sla())
    made = Shard(
        Watermark(500), 1000, lambda name: Tenant(name, settings, RuleEngine(groups, name, 1000, "http://tidewatch"))
    )
    tenant = made.tenant("default")
    series = Series("requests_total", "counter", (("service", "shop"),), 10_000)
    for start in range(T, T + 60_000, 10_000):
        tenant.merge([series.packed()], batch([(0, start, Cell(5, 5.0, 1.0, 1.0, 1.0, start))]), start)
    for now in range(T, T + 60_001, 1000):
        tenant.evaluate(now, live=False)
    return made


def application(sink: ClickHouse, shards: Sequence[Shard] = (), rules: str = RULES) -> web.Application:
    """The API alone."""
    groups, _ = compile_rules(rules, "rules.yml")
    return api.mount(web.Application(), Config(), sink, groups, lambda: shards)
