"""One worker: connects the stages to Kafka, ClickHouse and Alertmanager, and runs them until it is told to stop."""

import asyncio
import gc
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from importlib.metadata import version
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from prometheus_client import CollectorRegistry

from embedded import clickhouse as embedded
from schemas.config import Config
from schemas.failures import Rejected, Unavailable
from sinks.alertmanager import AlertmanagerSink
from sinks.clickhouse import ClickHouse
from sinks.kafka import client_options
from sinks.migrations import migrate, review
from streams import api, memory
from streams import app as faust_app
from streams.config.files import load_ladders, load_objectives, load_policies, load_rules, load_signing_key, load_sla
from streams.config.masterkeys import load_master_keys, load_protection, writer_credential
from streams.health.graph import edge
from streams.ingest.ingest import Ingest
from streams.rules.engine import RuleEngine
from streams.slo.promises import Promises
from streams.stages import topics
from streams.stages.evidence import EvidenceStage
from streams.stages.ingest import IngestStage
from streams.stages.keyring import Keyring, check_keys
from streams.stages.maintenance import MaintenanceStage
from streams.stages.notify import NotifyStage
from streams.stages.ownhealth import own_health
from streams.stages.reporting import ReportStage
from streams.stages.sealing import Sealing
from streams.stages.store import Store
from streams.stages.transport import BatchApp
from streams.stages.windows import WindowStage
from streams.supervisor import Ends
from streams.telemetry import http
from streams.telemetry.metrics import Metrics
from streams.telemetry.traces import tracing
from streams.windows.shard import Shard
from streams.windows.tenant import Settings, Tenant
from streams.windows.watermark import Watermark

log = logging.getLogger(__name__)

_LAST_FLUSH_SECONDS = 15.0


class Worker(NamedTuple):
    """A running worker, for whoever wants to look at it."""

    http_port: int
    clickhouse_port: int | None
    clickhouse: ClickHouse
    metrics: Metrics
    windows: WindowStage
    ingest: IngestStage


async def run(config: Config, stop: asyncio.Event, started: Callable[[Worker], None] = lambda _: None) -> None:
    """Run until ``stop`` is set; raises what a stage could not survive.

    Raises :class:`schemas.failures.Rejected` for a configuration, rule or table that cannot work, and
    :class:`schemas.failures.Unavailable` when a server that is needed to start does not answer.
    """
    ends, failures = Ends(), list[str]()
    while True:
        try:
            await _once(config, stop, started, failures)
            return
        except (Rejected, Unavailable, OSError):
            raise
        except Exception as error:
            pause = ends.pause(1, time.monotonic())
            if pause is None or stop.is_set():
                raise
            log.exception("a stage failed; all of them start again in %.0f s, from what Kafka holds", pause)
            failures.append(f"{type(error).__name__}: {error}")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)


async def _once(
    config: Config, stop: asyncio.Event, started: Callable[[Worker], None], failures: Sequence[str]
) -> None:
    async with running(config, failures) as (worker, stages):
        started(worker)
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({stopping, *stages}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        for stage in stages:
            if stage.done():
                stage.result()


@asynccontextmanager
async def running(
    config: Config, failures: Sequence[str] = ()
) -> AsyncIterator[tuple[Worker, list[asyncio.Task[None]]]]:
    """A started worker and its stages; everything is finished, acknowledged and closed on the way out.

    ``failures``: why a worker of this process had to be started again, each time.
    """
    memory.bound()
    groups, sla = load_rules(config.rules.files), load_sla(config.sla.file)
    objectives = load_objectives(config.slo)
    promises = Promises(objectives.objectives, objectives.maintenance)
    ladders, judge = load_ladders(config.escalation.file), load_policies(config.compliance)
    key = load_signing_key(config.evidence)
    master = await asyncio.to_thread(load_master_keys, config)
    metrics = Metrics(CollectorRegistry())
    metrics.build.info({"version": version("tidewatch")})
    metrics.restarts_total.inc(len(failures))
    async with AsyncExitStack() as stack:
        tracer = stack.enter_context(tracing())
        await topics.ensure(config)
        sink = await asyncio.to_thread(ClickHouse, config.clickhouse)
        stack.callback(sink.close)
        clickhouse_port = None
        if sink.directory is None:
            await asyncio.to_thread(_check_tables, sink)
        else:
            await asyncio.to_thread(migrate, sink)
            clickhouse_port = await stack.enter_async_context(
                http.serving(
                    embedded.application(sink, writer_credential(master)),
                    config.http.host,
                    config.clickhouse.embedded_port,
                )
            )
        await asyncio.to_thread(check_keys, sink, master)
        store = Store(sink, metrics)
        stack.callback(store.close)
        producer = await _producer(config, stack)
        alertmanager = AlertmanagerSink(
            config.alertmanager, config.rules.external_url, config.rules.evaluation_interval
        )
        stack.push_async_callback(alertmanager.close)
        app: BatchApp

        def consumer() -> Any:
            return app.consumer

        ingest = IngestStage(
            config,
            Ingest(config.windows, config.limits, judge, load_protection(config, master)),
            store,
            producer,
            consumer,
            lambda: topics.incarnations(config, _sources(config)),
            metrics,
            tracer,
            Sealing(store, Keyring(sink, master)),
        )
        windows = WindowStage(config, _new_shard(config, groups, sla, promises), store, producer, consumer, metrics)
        notify = NotifyStage(
            *(config, ladders, alertmanager, store, producer, consumer, metrics), life=partial(_life_of_alerts, config)
        )
        evidence = EvidenceStage(
            config,
            key,
            {policy.id: policy.digest for policy in judge.policies},
            store,
            producer,
            consumer,
            lambda: topics.incarnations(config, [config.topics.evidence]),
            metrics,
        )
        datadir = stack.enter_context(tempfile.TemporaryDirectory(prefix="tidewatch-"))
        app = faust_app.build(config, ingest.offer, windows.offer, notify.offer, evidence.offer, datadir)
        # Asked when somebody looks: an insert that is stuck holds up whoever else could say it.
        metrics.buffered_bytes.set_function(lambda: app.backlog.bytes)
        metrics.back_pressure_paused.set_function(lambda: app.backlog.is_full)
        pages = http.application(metrics.registry, lambda: _readiness(app, store))
        api.mount(pages, config, sink, groups, lambda: windows.shards.values())
        http_port = await stack.enter_async_context(http.serving(pages, config.http.host, config.http.port))
        stack.enter_context(_quiet_collector())
        await app.start()
        stack.push_async_callback(app.stop)
        maintenance = MaintenanceStage(promises, lambda: load_objectives(config.slo).maintenance)
        reports = ReportStage(config, sink, lambda: load_objectives(config.slo), sla, producer, consumer)
        parts = (ingest, windows, notify, evidence, maintenance, reports)
        stages = [asyncio.create_task(part.run(), name=type(part).__name__) for part in parts]
        stack.push_async_callback(_end, stages)
        health = own_health(config, producer, sink, alertmanager, stages, failures, metrics)
        await stack.enter_async_context(health.running())
        yield Worker(http_port, clickhouse_port, sink, metrics, windows, ingest), stages


async def _end(stages: Iterable[asyncio.Task[None]]) -> None:
    """In the order of the flow: what the first stage finishes, the next still sees."""
    for stage in stages:
        stage.cancel()
        await asyncio.gather(stage, return_exceptions=True)


async def _producer(config: Config, stack: AsyncExitStack) -> Any:
    """Idempotent: a retry inside it neither loses nor repeats nor reorders a record."""
    producer = AIOKafkaProducer(
        **client_options(config.kafka),
        enable_idempotence=True,
        acks="all",
        compression_type="zstd",
        linger_ms=5,
        max_batch_size=1_000_000,
    )
    try:
        await producer.start()
    except KafkaError as error:
        await producer.stop()
        raise Unavailable(f"Kafka does not answer the producer: {error!r}") from None
    stack.push_async_callback(_stop, producer)
    return producer


async def _stop(producer: Any) -> None:
    """An idempotent aiokafka producer retries without end, and stopping it would wait for that."""
    try:
        await asyncio.wait_for(producer.flush(), _LAST_FLUSH_SECONDS)
    except TimeoutError:
        producer._sender.sender_task.cancel()
    await producer.stop()


def _check_tables(sink: ClickHouse) -> None:
    """A worker on a server may not change tables: they are made, and changed, by ``tidewatch migrate``."""
    steps = review(sink)
    if steps:
        wrong = "\n".join(f"{step.name}: {step.text}" for step in steps)
        raise Rejected(f"the tables in ClickHouse are not as this version needs them; run tidewatch migrate.\n{wrong}")


async def _life_of_alerts(config: Config) -> str:
    return (await topics.incarnations(config, [config.topics.alerts]))[config.topics.alerts]


def _sources(config: Config) -> tuple[str, ...]:
    return config.topics.metrics, config.topics.security, config.topics.processing


def _new_shard(config: Config, groups: Any, sla: Any, promises: Promises) -> Callable[[], Shard]:
    windows, step = config.windows, int(config.rules.evaluation_interval * 1000)
    settings = Settings(
        tuple(size * 1000 for size in windows.sizes),
        int(windows.lateness * 1000),
        config.limits.series_per_tenant,
        step,
        sla,
        tuple(map(edge, config.health.dependencies)),
        promises,
    )
    return lambda: Shard(
        Watermark(int(windows.out_of_orderness * 1000)),
        step,
        lambda name: Tenant(
            name,
            settings,
            RuleEngine(groups, name, step, config.rules.external_url, store_recorded_every_ms=windows.pane * 1000),
        ),
        config.limits.tenants,
    )


def _readiness(app: BatchApp, store: Store) -> list[http.Check]:
    owned = sorted(f"{at.topic}-{at.number}" for at in getattr(app.consumer, "owned", ()))
    joined = getattr(app.consumer, "epoch", 0) > 0
    return [
        ("consumer group", joined, f"owns {len(owned)} partitions" if joined else "not joined yet"),
        *((name, name not in store.trouble, store.trouble.get(name, "answers")) for name in ("clickhouse", "kafka")),
        ("room", not app.backlog.is_full, f"{app.backlog.bytes} of {app.backlog.limit} bytes buffered"),
    ]


@contextmanager
def _quiet_collector() -> Any:
    """Decoded events are short-lived and hold no cycles: looking for garbage among them cost a third of the job."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
