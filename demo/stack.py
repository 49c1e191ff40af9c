"""Starts and stops what the demo needs, all in this process: a broker, ClickHouse, a worker, a place for alerts."""

import asyncio
import errno
import json
import logging
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from embedded.broker import Broker
from embedded.inbox import Inbox
from schemas import config
from schemas.config import Config
from schemas.failures import Rejected, Unavailable
from streams import worker
from streams.stages.topics import STATE_PARTITIONS
from streams.telemetry import logs

LOG, SETTINGS = "worker.log", "tidewatch.toml"
"""Files in the directory of a run."""

SLA_FILE = Path(__file__).parent / "sla.toml"

_DISK_BYTES = 300 * 1024 * 1024
"""What a run may need, and some room for the system."""

_JOIN_SECONDS = 30.0


class Parts(NamedTuple):
    """What runs."""

    config: Config
    worker: worker.Worker
    stages: list[asyncio.Task[None]]


@asynccontextmanager
async def running(path: Path, clickhouse_port: int, alertmanager: str | None) -> AsyncIterator[Parts]:
    """Everything, started and ready; stopped cleanly on the way out. The worker's log goes to a file in ``path``.

    Without the address of an ``alertmanager``, an inbox takes its place. Raises ``Rejected`` and ``Unavailable``.
    """
    async with AsyncExitStack() as stack:
        log = stack.enter_context((path / LOG).open("a", encoding="utf-8"))
        stack.callback(_silence)
        broker = stack.enter_context(Broker())
        alerts = alertmanager or stack.enter_context(Inbox()).url
        configured = _configuration(path, broker.bootstrap_servers, clickhouse_port, alerts)
        for name in msgspec.structs.astuple(configured.topics):
            broker.create_topic(name, STATE_PARTITIONS)
        logs.configure(configured.log, log)
        try:
            started, stages = await stack.enter_async_context(worker.running(configured))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise Rejected(f"port {clickhouse_port} is taken; name another with --clickhouse-port") from None
        await _joined(started, stages)
        (path / SETTINGS).write_text(_toml(configured, started.clickhouse_port), encoding="utf-8")
        yield Parts(configured, started, stages)


def _configuration(path: Path, bootstrap_servers: str, clickhouse_port: int, alertmanager: str) -> Config:
    return Config(
        kafka=config.Kafka(
            bootstrap_servers=[bootstrap_servers],
            session_timeout=6.0,  # there is no other worker to hand partitions to
            heartbeat_interval=1.0,
        ),
        clickhouse=config.ClickHouse(url=f"chdb:{path / 'clickhouse'}", embedded_port=clickhouse_port),
        alertmanager=config.Alertmanager(urls=[alertmanager]),
        rules=config.Rules(evaluation_interval=5.0),  # of event time, which passes 120 times as fast here
        sla=config.Sla(file=str(SLA_FILE)),
        http=config.Http(port=0),
    )


def _toml(configured: Config, clickhouse_port: int | None) -> str:
    """Settings with which other commands reach this run, and its data when it is over."""
    return f"""\
[kafka]
bootstrap_servers = {json.dumps(configured.kafka.bootstrap_servers)}

[clickhouse]
url = {json.dumps(configured.clickhouse.url)}
embedded_port = {clickhouse_port}
"""


async def _joined(started: worker.Worker, stages: list[asyncio.Task[None]]) -> None:
    """Wait until the worker has its partitions."""
    deadline = asyncio.get_running_loop().time() + _JOIN_SECONDS
    while not started.ingest.consumer().owned:
        for stage in stages:
            if stage.done():
                stage.result()
        if asyncio.get_running_loop().time() > deadline:
            raise Unavailable(f"the worker got no partitions from the embedded broker within {_JOIN_SECONDS:.0f} s")
        await asyncio.sleep(0.05)


def _silence() -> None:
    """What is logged after the log is closed goes nowhere, and not over the summary."""
    logging.getLogger().handlers[:] = [logging.NullHandler()]


def directory(wanted: Path | None) -> Path:
    """An empty directory for everything that the demo keeps: the given one, or a fresh temporary one.

    Raises ``Rejected`` when it cannot be made, is not empty, or lies on a full disk.
    """
    try:
        path = Path(tempfile.mkdtemp(prefix="tidewatch-demo-")) if wanted is None else wanted.resolve()
        path.mkdir(parents=True, exist_ok=True)
        used = any(path.iterdir())
    except OSError as error:
        raise Rejected(f"{wanted or tempfile.gettempdir()}: {error.strerror}; name another place with --data") from None
    if used:
        raise Rejected(f"{path} is not empty, and a run begins with nothing; name a new directory with --data")
    free = shutil.disk_usage(path).free
    if free < _DISK_BYTES:
        raise Rejected(
            f"{path} has {free / 2**20:.0f} MiB free and a run may need {_DISK_BYTES / 2**20:.0f}; "
            "make room, or name a directory elsewhere with --data"
        )
    return path
