"""The worker's own parts, checked and, if it is wanted, published as the health of the service ``tidewatch``.

*Recovery*: Kafka's, ClickHouse's and Alertmanager's clients connect again by themselves, and what waits for them is
tried again (:mod:`streams.stages.store`, :mod:`sinks.alertmanager`); a stage that fails is started again
(:func:`streams.worker.run`). Here it is said: each change in the log, as a metric, and as an event.
"""

import asyncio
import logging
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from aiokafka.errors import KafkaError

from schemas import cloudevents
from schemas.config import Config
from schemas.events import HealthEvent
from schemas.events.health import Health
from schemas.failures import Unavailable
from sinks.alertmanager import AlertmanagerSink
from sinks.clickhouse import ClickHouse
from sinks.kafka import key_of
from streams.health.checks import Check, HealthChecks, Result
from streams.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

SERVICE = "tidewatch"

FULL_SHARE, NEARLY_FULL_SHARE = 0.98, 0.9
"""Of a disk in use: down, since inserts will fail soon; and degraded."""

_PUBLISH_SECONDS = 5.0


def own_health(
    config: Config,
    producer: Any,
    clickhouse: ClickHouse,
    alertmanager: AlertmanagerSink,
    stages: Sequence["asyncio.Task[None]"],
    failures: Sequence[str],
    metrics: Metrics,
) -> HealthChecks:
    """The checks of a worker; run them with :meth:`HealthChecks.running`.

    ``failures``: why its stages had to be started again, each time; the last is told once.
    """

    async def publish(event: HealthEvent) -> None:
        if config.health.own == "published":
            async with asyncio.timeout(_PUBLISH_SECONDS):
                await producer.send(config.topics.metrics, value=cloudevents.encode(event), key=key_of(event))

    def changed(before: Health | None, after: Health) -> None:
        metrics.component_up.labels(component=after.component).set(after.status != "down")
        if after.status != "up":
            log.warning("%s is %s: %s", after.component, after.status, after.message)
        elif before is not None:
            log.info("%s is well again", after.component)

    checks = HealthChecks(SERVICE, publish, changed=changed)
    for component, check in _parts(config, producer, clickhouse, alertmanager, stages, failures):
        checks.register(component, check)
    return checks


def _parts(
    config: Config,
    producer: Any,
    clickhouse: ClickHouse,
    alertmanager: AlertmanagerSink,
    stages: Sequence["asyncio.Task[None]"],
    failures: Sequence[str],
) -> Iterable[tuple[str, Check]]:
    async def kafka() -> Result:
        try:
            metadata = await producer.client.fetch_all_metadata()
        except KafkaError as error:
            return Result("down", f"no broker answers: {error!r}")
        return Result("up", f"{len(metadata.brokers())} brokers")

    recent = list(failures[-1:])

    async def stages_run() -> Result:
        ended = [task.get_name() for task in stages if task.done()]
        if ended:
            return Result("down", f"ended: {', '.join(ended)}")
        return Result("degraded", f"started again after {recent.pop()}") if recent else Result("up")

    yield "kafka", kafka
    yield "clickhouse", clickhouse_answers(clickhouse)
    yield "stages", stages_run
    yield "disk", disk_has_room(clickhouse.directory or Path.cwd())
    if config.alertmanager.urls:
        yield "alertmanager", alertmanagers_answer(config.alertmanager.urls, alertmanager)


def clickhouse_answers(clickhouse: ClickHouse) -> Callable[[], Result]:
    """Down when a query is not answered."""

    def check() -> Result:
        try:
            clickhouse.query("SELECT 1")
        except Unavailable as error:
            return Result("down", str(error))
        return Result("up")

    return check


def alertmanagers_answer(urls: Iterable[str], sink: AlertmanagerSink) -> Check:
    """Degraded when some of the Alertmanagers do not answer, down when none does."""

    async def answers(url: str) -> str:
        try:
            await sink.ask(url, "status")
        except Unavailable as error:
            return str(error)
        return ""

    async def check() -> Result:
        silent = await asyncio.gather(*map(answers, urls))
        wrong = "; ".join(filter(None, silent))
        if not wrong:
            return Result("up")
        return Result("down" if all(silent) else "degraded", wrong)

    return check


def disk_has_room(directory: Path, usage: Callable[[Path], Any] = shutil.disk_usage) -> Callable[[], Result]:
    """Of the file system of a directory."""

    def check() -> Result:
        found = usage(directory)
        share = 1 - found.free / found.total
        text = f"{share:.0%} in use, {found.free / 2**30:.1f} GiB free"
        if share < NEARLY_FULL_SHARE:
            return Result("up", text)
        return Result("down" if share >= FULL_SHARE else "degraded", text)

    return check
