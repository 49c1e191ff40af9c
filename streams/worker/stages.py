"""The stages of a worker, and the Faust app that hands them what it reads."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from opentelemetry.trace import Tracer

from schemas.config import Config
from streams import app as faust_app
from streams.compliance.sequences.board import SequenceSettings
from streams.compliance.sequences.marking import Marker
from streams.config.files import load_objectives
from streams.config.masterkeys import load_protection
from streams.health.graph import edge
from streams.ingest.ingest import Ingest
from streams.rules.engine import RuleEngine
from streams.stages import topics
from streams.stages.evidence import EvidenceStage
from streams.stages.ingest import IngestStage
from streams.stages.keyring import Keyring
from streams.stages.maintenance import MaintenanceStage
from streams.stages.notify import NotifyStage
from streams.stages.reporting import ReportStage
from streams.stages.sealing import Sealing
from streams.stages.transport import BatchApp
from streams.stages.windows import WindowStage
from streams.telemetry.metrics import Metrics
from streams.windows.shard import Shard
from streams.windows.tenant import Settings, Tenant
from streams.windows.watermark import Watermark
from streams.worker.definitions import Definitions
from streams.worker.outside import Outside


class Stages(NamedTuple):
    """In the order of the flow: what one finishes when it ends, the next still sees."""

    ingest: IngestStage
    windows: WindowStage
    notify: NotifyStage
    evidence: EvidenceStage
    maintenance: MaintenanceStage
    reports: ReportStage


def build_stages(
    config: Config, definitions: Definitions, outside: Outside, metrics: Metrics, tracer: Tracer, datadir: str
) -> tuple[BatchApp, Stages]:
    """Nothing runs yet. ``datadir`` is a directory Faust may write to."""
    store, producer, topic = outside.store, outside.producer, config.topics
    app: BatchApp

    def consumer() -> Any:
        return app.consumer

    stages = Stages(
        IngestStage(
            config,
            _new_ingest(config, definitions),
            store,
            producer,
            consumer,
            _incarnations(config, topic.metrics, topic.security, topic.processing),
            metrics,
            tracer,
            Sealing(store, Keyring(outside.clickhouse, definitions.master_keys)),
        ),
        WindowStage(
            *(config, _new_shard(config, definitions), store, producer, consumer),
            _incarnations(config, topic.panes),
            metrics,
        ),
        NotifyStage(
            *(config, definitions.ladders, outside.alertmanager, store, producer, consumer, metrics),
            life=_life_of_alerts(config),
        ),
        EvidenceStage(
            config,
            definitions.signing_key,
            {policy.id: policy.digest for policy in definitions.judge.every},
            store,
            producer,
            consumer,
            _incarnations(config, topic.evidence),
            metrics,
        ),
        MaintenanceStage(definitions.promises, lambda: load_objectives(config.slo).maintenance),
        ReportStage(
            *(config, outside.clickhouse, lambda: load_objectives(config.slo), definitions.sla, producer, consumer)
        ),
    )
    app = faust_app.build(
        *(config, stages.ingest.offer, stages.windows.offer, stages.notify.offer, stages.evidence.offer), datadir
    )
    return app, stages


@asynccontextmanager
async def run_stages(stages: Stages) -> AsyncIterator[list[asyncio.Task[None]]]:
    """One task a stage, named after it; they end one after the other."""
    tasks = [asyncio.create_task(stage.run(), name=type(stage).__name__) for stage in stages]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _incarnations(config: Config, *names: str) -> Callable[[], Awaitable[Mapping[str, str]]]:
    return lambda: topics.incarnations(config, names)


def _life_of_alerts(config: Config) -> Callable[[], Awaitable[str]]:
    async def life() -> str:
        return (await topics.incarnations(config, [config.topics.alerts]))[config.topics.alerts]

    return life


def _new_ingest(config: Config, definitions: Definitions) -> Ingest:
    judge = definitions.judge
    marker = Marker(judge.sequences, judge.attributes) if judge.sequences else None
    protect = load_protection(config, definitions.master_keys)
    return Ingest(config.windows, config.limits, judge, protect, marker)


def _new_shard(config: Config, definitions: Definitions) -> Callable[[], Shard]:
    windows, step, url = config.windows, int(config.rules.evaluation_interval * 1000), config.rules.external_url
    settings = Settings(
        tuple(size * 1000 for size in windows.sizes),
        int(windows.lateness * 1000),
        config.limits.series_per_tenant,
        step,
        definitions.sla,
        tuple(map(edge, config.health.dependencies)),
        definitions.promises,
        SequenceSettings(
            definitions.judge.sequences, config.limits.sequence_keys, pane_ms=windows.security_pane * 1000
        ),
    )

    def new_tenant(name: str) -> Tenant:
        engine = RuleEngine(definitions.groups, name, step, url, store_recorded_every_ms=windows.pane * 1000)
        return Tenant(name, settings, engine)

    return lambda: Shard(Watermark(int(windows.out_of_orderness * 1000)), step, new_tenant, config.limits.tenants)
