"""The far sides of a worker: its topics, ClickHouse with its tables, the producer and Alertmanager."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from embedded import clickhouse as embedded
from schemas.config import Config
from schemas.failures import Rejected, Unavailable
from schemas.keys import MasterKeys
from sinks.alertmanager import AlertmanagerSink
from sinks.clickhouse import ClickHouse
from sinks.kafka import client_options
from sinks.migrations import migrate, review
from streams.config.masterkeys import writer_credential
from streams.stages import topics
from streams.stages.keyring import check_keys
from streams.stages.store import Store
from streams.telemetry import http
from streams.telemetry.metrics import Metrics

_LAST_FLUSH_SECONDS = 15.0


class Outside(NamedTuple):
    """What the stages write to. ``clickhouse_port``: where the embedded engine answers others; None with a server."""

    clickhouse: ClickHouse
    clickhouse_port: int | None
    store: Store
    producer: Any
    alertmanager: AlertmanagerSink


@asynccontextmanager
async def connected(config: Config, master: MasterKeys, metrics: Metrics) -> AsyncIterator[Outside]:
    """Topics and tables are there, and everything answers; on the way out it is flushed and closed.

    Raises Unavailable for what does not answer, and Rejected for tables or keys that do not fit.
    """
    async with AsyncExitStack() as stack:
        await topics.ensure(config)
        clickhouse = await asyncio.to_thread(ClickHouse, config.clickhouse)
        stack.callback(clickhouse.close)
        if clickhouse.directory is None:
            port = None
            await asyncio.to_thread(_check_tables, clickhouse)
        else:
            await asyncio.to_thread(migrate, clickhouse)
            answers = embedded.application(clickhouse, writer_credential(master))
            serving = http.serving(answers, config.http.host, config.clickhouse.embedded_port)
            port = await stack.enter_async_context(serving)
        await asyncio.to_thread(check_keys, clickhouse, master)
        store = Store(clickhouse, metrics)
        stack.callback(store.close)
        producer = await stack.enter_async_context(_producing(config))
        alertmanager = AlertmanagerSink(
            config.alertmanager, config.rules.external_url, config.rules.evaluation_interval
        )
        stack.push_async_callback(alertmanager.close)
        yield Outside(clickhouse, port, store, producer, alertmanager)


def _check_tables(clickhouse: ClickHouse) -> None:
    """A worker on a server may not change tables: they are made, and changed, by ``tidewatch migrate``."""
    steps = review(clickhouse)
    if steps:
        wrong = "\n".join(f"{step.name}: {step.text}" for step in steps)
        raise Rejected(f"the tables in ClickHouse are not as this version needs them; run tidewatch migrate.\n{wrong}")


@asynccontextmanager
async def _producing(config: Config) -> AsyncIterator[Any]:
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
    try:
        yield producer
    finally:
        await _stop(producer)


async def _stop(producer: Any) -> None:
    """An idempotent aiokafka producer retries without end, and stopping it would wait for that."""
    try:
        await asyncio.wait_for(producer.flush(), _LAST_FLUSH_SECONDS)
    except TimeoutError:
        producer._sender.sender_task.cancel()
    await producer.stop()
