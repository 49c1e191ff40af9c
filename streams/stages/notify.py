"""The last stage: alerts in; Alertmanager told, history written.

Delivery: an alert is acknowledged when its history is stored; one that is told or stored again is the same alert.
Back-pressure: an unreachable Alertmanager costs nothing upstream (:mod:`sinks.alertmanager` keeps what it missed); an
unavailable ClickHouse holds back the acknowledgement but not the notification.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any

import msgspec

from schemas.alert import Alert
from schemas.config import Config
from schemas.tables import COLUMNS
from sinks.alertmanager import AlertmanagerSink
from streams.alerts.notifications import Notifications
from streams.batch import Partition, RecordBatch
from streams.stages.store import Store
from streams.stages.transport import BatchConsumer, Delivery, Fenced
from streams.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

_decoder = msgspec.json.Decoder(Alert)


class NotifyStage:
    """Tells every Alertmanager of what the alerts topic holds."""

    def __init__(
        self,
        config: Config,
        sink: AlertmanagerSink,
        store: Store,
        consumer: Callable[[], BatchConsumer],
        metrics: Metrics,
    ) -> None:
        self.config = config
        self.sink = sink
        self.store = store
        self.consumer = consumer
        self.metrics = metrics
        self._epoch = -1
        self._notifications = self._none()
        self._batches: asyncio.Queue[Delivery] = asyncio.Queue()

    async def offer(self, delivery: Delivery) -> None:
        """Take a batch of alert records from the agent."""
        self.consumer().backlog.done(delivery.batch.size_bytes, delivery.epoch)
        await self._batches.put(delivery)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._take())
            group.create_task(self._repeat())

    async def _take(self) -> None:
        while True:
            delivery = await self._batches.get()
            epoch = self.consumer().epoch
            if delivery.epoch != epoch:
                continue
            if epoch != self._epoch:
                self._epoch, self._notifications = epoch, self._none()
            try:
                await self._batch(delivery.batch)
            except Fenced as fenced:
                log.info("alerts were reassigned: %s", fenced)

    async def _batch(self, batch: RecordBatch) -> None:
        alerts = [alert for value in batch.values if (alert := self._alert(value)) is not None]
        telling = asyncio.create_task(self._tell_all(alerts))
        await self._history(alert for alert in alerts if alert.reason != "resend")
        await telling
        await self.store.retrying("kafka", lambda: self._commit(batch.partition, batch.next_offset), self._check())

    def _alert(self, value: bytes | None) -> Alert | None:
        try:
            return _decoder.decode(value or b"")
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self.metrics.protocol_anomalies_total.labels(kind="foreign_record").inc()
            log.error("a record of the alerts topic is none of ours and is passed over")
            return None

    async def _commit(self, partition: Partition, offset: int) -> None:
        await self.consumer().commit_offsets({partition: (offset, "")}, self._epoch)

    async def _history(self, alerts: Iterable[Alert]) -> None:
        rows = [_row(alert, _now_ms()) for alert in alerts]
        if rows:
            columns = dict(zip(COLUMNS["alert_history"], zip(*rows, strict=True), strict=True))
            await self.store.write("alert_history", columns, self._check())

    async def _tell_all(self, alerts: Iterable[Alert]) -> None:
        """In order, and every state: an alert that fired and is over already is news all the same."""
        taken: set[Any] = set()
        for alert in alerts:
            if alert.key in taken:
                await self._tell()
                taken.clear()
            taken.add(alert.key)
            self._notifications.apply(alert, _now_ms())
        await self._tell()

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            await self._tell()

    async def _tell(self) -> None:
        now_ms = _now_ms()
        for outcome in await self.sink.post(self._notifications.due(now_ms), now_ms):
            counts = {"accepted": outcome.accepted, "rejected": len(outcome.rejected), "dropped": outcome.dropped}
            for what, count in counts.items():
                if count:
                    self.metrics.alert_posts_total.labels(target=outcome.url, outcome=what).inc(count)
            if outcome.error:
                self.metrics.alert_posts_total.labels(target=outcome.url, outcome="unavailable").inc()
                log.warning("alerts wait: %s", outcome.error)
            for reason in outcome.rejected:
                log.error("an Alertmanager refuses an alert for good: %s", reason)

    def _none(self) -> Notifications:
        return Notifications(int(self.config.alertmanager.resend_delay * 1000))

    def _check(self) -> Callable[[], None]:
        epoch = self._epoch

        def check() -> None:
            if self.consumer().epoch != epoch:
                raise Fenced("partitions were reassigned")

        return check


def _row(alert: Alert, now_ms: int) -> tuple[Any, ...]:
    """A row of ``alert_history``, in the order of its columns."""
    identity = blake2b(repr((alert.tenant, alert.key)).encode(), digest_size=8)
    return (
        *(alert.tenant, alert.rule, alert.group, int.from_bytes(identity.digest(), "big")),
        *(alert.labels, alert.annotations, alert.state, alert.reason, alert.value),
        *(alert.active_at_ms, alert.changed_at_ms, alert.expression, now_ms),
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
