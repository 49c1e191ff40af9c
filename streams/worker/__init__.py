"""One worker: connects the stages to Kafka, ClickHouse and Alertmanager, and runs them until it is told to stop.

:func:`running` shows what it consists of; each of its parts is a file of this folder.
"""

import asyncio
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from importlib.metadata import version
from typing import NamedTuple

from prometheus_client import CollectorRegistry

from schemas.config import Config
from schemas.failures import Rejected, Unavailable
from sinks.clickhouse import ClickHouse
from streams.stages.ingest import IngestStage
from streams.stages.ownhealth import own_health
from streams.stages.windows import WindowStage
from streams.supervisor import Ends
from streams.telemetry.metrics import Metrics
from streams.telemetry.traces import tracing
from streams.worker.definitions import read_definitions
from streams.worker.garbage import seldom_collected
from streams.worker.memory import bounded
from streams.worker.outside import connected
from streams.worker.pages import serving
from streams.worker.stages import build_stages, run_stages

log = logging.getLogger(__name__)


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
    async with running(config, failures) as (worker, tasks):
        started(worker)
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({stopping, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        for task in tasks:
            if task.done():
                task.result()


@asynccontextmanager
async def running(
    config: Config, failures: Sequence[str] = ()
) -> AsyncIterator[tuple[Worker, list[asyncio.Task[None]]]]:
    """A started worker and the tasks of its stages; everything is finished, acknowledged and closed on the way out.

    ``failures``: why a worker of this process had to be started again, each time.
    """
    definitions = await read_definitions(config)
    metrics = _metrics(len(failures))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(bounded())
        tracer = stack.enter_context(tracing())
        outside = await stack.enter_async_context(connected(config, definitions.master_keys, metrics))
        datadir = stack.enter_context(tempfile.TemporaryDirectory(prefix="tidewatch-"))
        app, stages = build_stages(config, definitions, outside, metrics, tracer, datadir)
        http_port = await stack.enter_async_context(serving(config, definitions, outside, app, stages, metrics))
        stack.enter_context(seldom_collected())
        await app.start()
        stack.push_async_callback(app.stop)
        tasks = await stack.enter_async_context(run_stages(stages))
        health = own_health(
            *(config, outside.producer, outside.clickhouse, outside.alertmanager), tasks, failures, metrics
        )
        await stack.enter_async_context(health.running())
        port, clickhouse = outside.clickhouse_port, outside.clickhouse
        yield Worker(http_port, port, clickhouse, metrics, stages.windows, stages.ingest), tasks


def _metrics(restarts: int) -> Metrics:
    metrics = Metrics(CollectorRegistry())
    metrics.build.info({"version": version("tidewatch")})
    metrics.restarts_total.inc(restarts)
    return metrics
