"""What a worker answers over HTTP: metrics, health, readiness and the queries of Prometheus."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from schemas.config import Config
from streams import api
from streams.stages.store import Store
from streams.stages.transport import BatchApp
from streams.telemetry import http
from streams.telemetry.metrics import Metrics
from streams.worker.definitions import Definitions
from streams.worker.outside import Outside
from streams.worker.stages import Stages


@asynccontextmanager
async def serving(
    config: Config, definitions: Definitions, outside: Outside, app: BatchApp, stages: Stages, metrics: Metrics
) -> AsyncIterator[int]:
    """Answers while the block runs; yields the port."""
    # Asked when somebody looks: an insert that is stuck holds up whoever else could say it.
    metrics.buffered_bytes.set_function(lambda: app.backlog.bytes)
    metrics.back_pressure_paused.set_function(lambda: app.backlog.is_full)
    pages = http.application(metrics.registry, lambda: _readiness(app, outside.store))
    api.mount(pages, config, outside.clickhouse, definitions.groups, lambda: stages.windows.shards.values())
    async with http.serving(pages, config.http.host, config.http.port) as port:
        yield port


def _readiness(app: BatchApp, store: Store) -> list[http.Check]:
    owned = sorted(f"{at.topic}-{at.number}" for at in getattr(app.consumer, "owned", ()))
    joined = getattr(app.consumer, "epoch", 0) > 0
    return [
        ("consumer group", joined, f"owns {len(owned)} partitions" if joined else "not joined yet"),
        *((name, name not in store.trouble, store.trouble.get(name, "answers")) for name in ("clickhouse", "kafka")),
        ("room", not app.backlog.is_full, f"{app.backlog.bytes} of {app.backlog.limit} bytes buffered"),
    ]
