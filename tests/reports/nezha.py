"""A day of Nezha's front service in ClickHouse, by the same pure steps that a worker takes."""

from collections.abc import Sequence
from itertools import count
from pathlib import Path

import msgspec

from schemas.config import Config
from schemas.sla import Sla
from schemas.slo import Objective
from schemas.tables import COLUMNS
from sinks.clickhouse import ClickHouse
from sources import Options, nezha
from streams.batch import Partition, RecordBatch
from streams.compliance import judge
from streams.ingest.ingest import Ingest
from streams.rules.compiled import compile_rules
from streams.rules.engine import RuleEngine
from streams.slo.promises import Promises
from streams.stages.alerthistory import _row as alert_row
from streams.windows.deltas import Pulse
from streams.windows.rows import rows
from streams.windows.shard import Shard
from streams.windows.tenant import Settings, Tenant
from streams.windows.watermark import Watermark

FILE = Path(__file__).parents[2] / "demo" / "data" / "nezha" / "front_service.csv"
_BATCH = 5_000
_DECLARED_MS = 1_795_000_000_000


def encoded() -> list[bytes]:
    """The events as a publisher writes them."""
    lines = FILE.read_bytes().splitlines(keepends=True)
    return [msgspec.json.encode(event) for event in nezha.events(lines, Options(name=FILE.name))]


def store(sink: ClickHouse, rules: str = "groups: []", objectives: Sequence[Objective] = ()) -> None:
    """All of them as one partition of the topic ``metrics``, with a record in between that is no event."""
    config, source = Config(), Partition("metrics", 0)
    ingest, shard = Ingest(config.windows, config.limits, judge), _shard(rules, objectives)
    values = encoded()
    values.insert(1000, b"no event")
    offsets = count()
    for first in range(0, len(values), _BATCH):
        part, declared_ms = values[first : first + _BATCH], _DECLARED_MS + first
        batch = RecordBatch(source, range(first, first + len(part)), part, None, [0] * len(part), first + len(part))
        ingested = ingest(batch, declared_ms, "a")
        for table, columns in ingested.raw.items():
            sink.insert(table, columns, f"{table}-{first}")
        for delta in ingested.deltas:
            shard.merge(delta, next(offsets))
        _pass(sink, shard, Pulse(wall_ms=declared_ms, seen=[(source, ingested.high_ms, declared_ms)]), next(offsets))
    later = ingested.high_ms + 3_600_000
    _pass(sink, shard, Pulse(wall_ms=declared_ms, seen=[(source, later, declared_ms)]), next(offsets))


def _shard(rules: str, objectives: Sequence[Objective]) -> Shard:
    groups, problems = compile_rules(rules, "rules.yml")
    assert not problems
    settings = Settings((60_000, 300_000, 3_600_000), 600_000, 10_000, 500, Sla(), promises=Promises(objectives))
    return Shard(
        Watermark(500), 500, lambda name: Tenant(name, settings, RuleEngine(groups, name, 500, "http://tidewatch"))
    )


def _pass(sink: ClickHouse, shard: Shard, pulse: Pulse, offset: int) -> None:
    """Let event time pass, and store what is ready."""
    shard.merge(pulse, offset)
    output = shard.advance(1_000_000)
    assert not output.more
    for table, found in output.rows.items():
        if found:
            sink.insert(table, dict(zip(COLUMNS[table], zip(*found, strict=True), strict=True)), f"{table}-{offset}")
    if output.alerts:
        transitions = [alert_row(alert, _DECLARED_MS) for alert in output.alerts]
        columns = dict(zip(COLUMNS["alert_history"], zip(*transitions, strict=True), strict=True))
        sink.insert("alert_history", columns, f"alerts-{offset}")
    if blocks := list(shard.blocks()):
        sink.insert("windows", rows(blocks), f"windows-{offset}")
