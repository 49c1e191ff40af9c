"""The last stage: alerts in; Alertmanager told, history written, the ladders of those that nobody takes up climbed.

Delivery: an alert is acknowledged when its history is stored (:mod:`streams.stages.alerthistory`); one that is told or
stored again is the same alert.
Back-pressure: an unreachable Alertmanager costs nothing upstream (:mod:`sinks.alertmanager` keeps what it missed); an
unavailable ClickHouse holds back the acknowledgement but not the notification.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any

from schemas.alert import Alert
from schemas.config import Config
from schemas.failures import Rejected
from sinks.alertmanager import AlertmanagerSink
from streams.alerts.ladders import Ladder
from streams.alerts.notifications import Notifications
from streams.batch import RecordBatch
from streams.evidence.records import Act
from streams.stages import acts as acts_of
from streams.stages.alerthistory import AlertHistory
from streams.stages.alertlog import decode
from streams.stages.epochs import still
from streams.stages.escalate import Ladders
from streams.stages.store import Store
from streams.stages.transport import BatchConsumer, Delivery, Fenced
from streams.telemetry.metrics import Metrics

log = logging.getLogger(__name__)


class NotifyStage:
    """Tells every Alertmanager of what the alerts topic holds.

    ``now_ms`` is the clock on the wall, UTC epoch ms; ``every_s`` is how often it is looked at. ``life`` tells
    which topic of its name the alerts topic is, as its offsets begin anew when it is made again.
    """

    def __init__(
        self,
        config: Config,
        ladders: Sequence[Ladder],
        sink: AlertmanagerSink,
        store: Store,
        producer: Any,
        consumer: Callable[[], BatchConsumer],
        metrics: Metrics,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        every_s: float = 1.0,
        life: Callable[[], Awaitable[str]] = lambda: asyncio.sleep(0, ""),
    ) -> None:
        self.config = config
        self.sink = sink
        self.consumer = consumer
        self.metrics = metrics
        self.now_ms = now_ms
        self.every_s = every_s
        self.store = store
        self.producer = producer
        self._learn_life = life
        self._life = ""
        self._epoch = -1
        self._entering = asyncio.Lock()
        self._notifications = self._none()
        self._new_ladders = partial(Ladders, config, ladders, sink, store, producer)
        self._ladders = self._new_ladders()
        self._history = AlertHistory(store, consumer, now_ms, self._ladders)
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
            group.create_task(self._climb())
            group.create_task(self._history.run())

    async def _take(self) -> None:
        while True:
            delivery = await self._batches.get()
            await self._history.room()
            try:
                await self._enter(delivery.epoch)
                await self._batch(delivery.batch, delivery.epoch)
            except Fenced as fenced:
                log.info("alerts were reassigned: %s", fenced)

    async def _climb(self) -> None:
        while True:
            await asyncio.sleep(self.every_s)
            epoch = self.consumer().epoch
            try:
                if self.consumer().owned:
                    await self._enter(epoch)
                    await self._ladders.advance(self.now_ms(), still(self.consumer, epoch))
            except Fenced as fenced:
                log.info("alerts were reassigned: %s", fenced)

    async def _enter(self, epoch: int) -> None:
        """Take up the ladders of the partitions that this epoch gave us; Fenced when it has passed."""
        async with self._entering:
            still(self.consumer, epoch)()
            if epoch != self._epoch:
                ladders = self._new_ladders()
                self._life = await self.store.retrying("kafka", self._learn_life, still(self.consumer, epoch))
                await ladders.take_up(self.consumer(), still(self.consumer, epoch))
                self._epoch, self._ladders, self._notifications = epoch, ladders, self._none()
                self._history.enter(epoch, ladders)

    async def _batch(self, batch: RecordBatch, epoch: int) -> None:
        ladders = self._ladders
        history, tell = [], []
        acts: list[Act] = []
        for offset, value, at_ms in zip(batch.offsets, batch.values, batch.timestamps, strict=True):
            if (alert := self._alert(value)) is not None:
                heard = ladders.take(batch.partition, alert, int(at_ms))
                tell += heard.tell
                if heard.is_news and alert.reason != "resend":
                    history.append(alert)
                    act = acts_of.of_alert(alert, (batch.partition, self._life, int(offset)))
                    acts += [act] if act else []
        await self._tell_all(tell)
        await self._enter_acts(acts, epoch)
        still(self.consumer, epoch)()
        self._history.add(batch.partition, history, batch.next_offset)

    async def _enter_acts(self, acts: Sequence[Act], epoch: int) -> None:
        """For the evidence ledger; before what they follow from is acknowledged."""
        if acts:
            send = partial(acts_of.publish, self.producer, self.config.topics.evidence, acts)
            await self.store.retrying("kafka", send, still(self.consumer, epoch))

    def _alert(self, value: bytes | None) -> Alert | None:
        try:
            return decode(value)
        except Rejected:
            self.metrics.protocol_anomalies_total.labels(kind="foreign_record").inc()
            log.error("a record of the alerts topic is none of ours and is passed over")
            return None

    async def _tell_all(self, alerts: Iterable[Alert]) -> None:
        """In order, and every state: an alert that fired and is over already is news all the same."""
        taken: set[Any] = set()
        for alert in alerts:
            if alert.key in taken:
                await self._tell()
                taken.clear()
            taken.add(alert.key)
            self._notifications.apply(alert, self.now_ms())
        await self._tell()

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(self.every_s)
            await self._tell()

    async def _tell(self) -> None:
        now_ms = self.now_ms()
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
