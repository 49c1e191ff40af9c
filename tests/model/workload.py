"""The records of a run, and what has to come of them: computed in one piece, with nothing in the way."""

from collections import Counter
from functools import cache
from typing import Any

from schemas.config import Config, Kafka, Limits, Windows
from schemas.sla import Sla
from schemas.tables import COLUMNS
from streams.batch import Partition, RecordBatch
from streams.compliance import judge
from streams.ingest import fold
from streams.ingest.ingest import Ingest
from streams.rules.engine import RuleEngine
from streams.windows.deltas import Pulse
from streams.windows.rows import rows as window_rows
from streams.windows.shard import Shard
from streams.windows.tenant import Settings, Tenant
from streams.windows.watermark import Watermark
from tests.e2e import events
from tests.model.clickhouse import Row, Tables, _rows

START = 1_795_342_500 // 60 * 60
"""Unix seconds; the window that everything falls into begins here."""

SOURCES = [Partition("metrics", 0), Partition("metrics", 1)]
PANES = Partition("panes", 0)
RECORDS = 16
"""Of each partition, without the last one, which closes the window."""

CONFIG = Config(
    kafka=Kafka(group="model"),
    limits=Limits(batch_rows=10, batch_wait=0.3),
    windows=Windows(sizes=[60], idle_timeout=10_000.0),
)
SETTINGS = Settings((60_000,), 600_000, 1000, 1000, Sla())
WINDOW_KEY = list(COLUMNS["windows"]).index("version")


def new_ingest() -> Ingest:
    return Ingest(CONFIG.windows, CONFIG.limits, judge)


def new_shard() -> Shard:
    return Shard(Watermark(500), 1000, lambda name: Tenant(name, SETTINGS, RuleEngine([], name, 1000)))


@cache
def records(number: int) -> tuple[bytes, ...]:
    """The log of one source partition: counters, gauges of two tenants, security events and what nobody can read."""
    made = []
    for at in range(RECORDS):
        when = START + at * 2 + number
        if at % 8 == 5:
            made.append(b"{")
        elif at % 5 == 3:
            made.append(events.event("security", when, service="door", kind="auth_failure", outcome="denied"))
        elif at % 3 == 1:
            gauge = {"service": "shop", "name": "depth", "kind": "gauge", "value": at, "labels": {}, "tenant": "two"}
            made.append(events.event("metric", when, **gauge))
        else:
            made.append(events.metric(when, "done", 2**at, "counter", service=f"s{at % 3}"))
    return (*made, events.metric(START + 130, "done", 1, "counter"))


@cache
def expected_rows() -> dict[tuple[str, int], Counter[tuple[str, int]]]:
    """(topic, partition) -> rows of each (table, offset)."""
    tables = Tables()
    for at in SOURCES:
        for table, rows in _folded(at).raw.items():
            tables.insert(table, _rows(rows), at.topic + str(at.number))
    return tables.located


@cache
def expected_windows() -> dict[Row, Row]:
    """The window's rows, without their version."""
    shard, tables = new_shard(), Tables()
    shard.merge(Pulse(wall_ms=0, expected=SOURCES), 0)
    for offset, at in enumerate(SOURCES, 1):
        ingested = _folded(at)
        for delta in ingested.deltas:
            shard.merge(delta, offset)
    shard.merge(Pulse(wall_ms=0, seen=[(at, (START + 130) * 1000, 0) for at in SOURCES]), offset + 1)
    shard.advance(10**6)
    tables.insert("windows", _rows(window_rows(list(shard.blocks()))), "all")
    return tables.final("windows", WINDOW_KEY)


def _folded(at: Partition) -> Any:
    values = records(at.number)
    batch = RecordBatch(at, range(len(values)), values, None, [0] * len(values), len(values))
    limit, fold._RECORD_BYTES = fold._RECORD_BYTES, 10**9
    try:
        return new_ingest()(batch, START * 1000, "first")
    finally:
        fold._RECORD_BYTES = limit
