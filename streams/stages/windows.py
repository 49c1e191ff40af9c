"""The second stage: pane deltas in; window rows and alerts out. Its state is recoverable from Kafka.

Delivery: rows carry a version and alerts their label set, so sending either again is harmless. A shard's state is
written to the topic of snapshots now and then, and only then is its offset in ``panes`` committed, with metadata that
says where the snapshot is; a successor reads it and merges the deltas after it, each at most once.
Back-pressure: what has been fetched of ``panes`` and not merged counts against the limit of what is buffered. Rows that
ClickHouse does not take wait in the windows (:mod:`streams.stages.closed`); while they wait no snapshot is taken, and
panes are read on, because the first stage stops when ClickHouse does.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec

from schemas.alert import Alert
from schemas.config import Config
from schemas.failures import Unavailable
from streams.batch import Partition, RecordBatch
from streams.stages.alertlog import publish
from streams.stages.closed import ClosedWindows
from streams.stages.epochs import still, take_turns
from streams.stages.judged import JudgedSequences
from streams.stages.shards import KeptShards
from streams.stages.store import Check, Store
from streams.stages.transport import BatchConsumer, Delivery, Fenced
from streams.telemetry.metrics import Metrics
from streams.windows import deltas
from streams.windows.deltas import Pulse
from streams.windows.shard import Shard

log = logging.getLogger(__name__)

_SLICE_SECONDS = 0.02
"""Of merging and evaluating rules between two looks at the event loop, while catching up."""

SNAPSHOT_SECONDS = 15.0
_OBSERVE_SECONDS = 0.5


class WindowStage:
    """Owns the shards of the ``panes`` partitions that this worker owns."""

    def __init__(
        self,
        config: Config,
        new_shard: Callable[[], Shard],
        store: Store,
        producer: Any,
        consumer: Callable[[], BatchConsumer],
        incarnations: Callable[[], Awaitable[Mapping[str, str]]],
        metrics: Metrics,
    ) -> None:
        self.config = config
        self.new_shard = new_shard
        self.store = store
        self.producer = producer
        self.consumer = consumer
        self.metrics = metrics
        self.shards: dict[Partition, Shard] = {}
        self._epoch = -1
        self._entering = asyncio.Lock()
        self._pending: deque[Delivery] = deque()
        self._kept = KeptShards(config, producer, new_shard, metrics)
        self._closed = ClosedWindows(store, metrics, lambda: self.shards.values())
        self._judged = JudgedSequences(config, store, producer, incarnations)
        self._slice_began = 0.0
        self._wake = asyncio.Event()
        self._stopping = False
        self._ticks = 50
        """How many evaluations fit into a slice."""
        self._snapshot_at: dict[Partition, float] = {}
        self._resend_at = self._observe_at = 0.0
        self._counted: dict[tuple[int, Hashable], int] = {}

    async def offer(self, delivery: Delivery) -> None:
        """Take a batch of ``panes`` records from the agent."""
        try:
            await self._enter(delivery.epoch)
        except Fenced:
            return  # whoever owns the partition now reads it again
        self._pending.append(delivery)
        self._wake.set()

    async def run(self) -> None:
        """Merge and advance until cancelled; then end the turn, whose alerts must go out, and leave a snapshot."""
        # Nothing is entered anew after Fenced: what came of the next epoch meanwhile waits here, and comes only once.
        await take_turns(self._turn, self._finish)

    async def _turn(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), 0.5)
        self._wake.clear()
        if self.consumer().epoch != self._epoch and self.consumer().owned:
            await self._enter(self.consumer().epoch)
        if self._pending:
            delivery = self._pending.popleft()
            await self._merge(delivery.batch)
            self.consumer().backlog.done(delivery.batch.size_bytes, delivery.epoch)
        if self._pending:
            self._wake.set()
        self._closed.flush()
        self._judged.flush()
        await self._resend()
        for partition in list(self.shards):
            if time.monotonic() >= self._snapshot_at.get(partition, 0.0):
                await self._snapshot(partition)
        self._observe()

    async def _merge(self, batch: RecordBatch) -> None:
        """Record by record, however many came together: whoever reads them again looks at the same instants."""
        shard, check = self.shards.get(batch.partition), still(self.consumer, self._epoch)
        for offset, value in zip(batch.offsets, batch.values, strict=True):
            if shard is None or self._stopping or self.shards.get(batch.partition) is not shard:
                return
            if offset > shard.offset and value is not None:
                record = deltas.decode(value)
                if record is None:
                    self._foreign(batch.partition, offset)
                    continue
                shard.merge(record, offset)
                if isinstance(record, Pulse):
                    await self._advance(batch.partition, shard, check)
                await self._breathe()

    async def _breathe(self) -> None:
        """Between records: let others run when it has been a while."""
        if time.monotonic() - self._slice_began > _SLICE_SECONDS:
            await asyncio.sleep(0)
            self._slice_began = time.monotonic()

    def _foreign(self, partition: Partition, offset: int) -> None:
        """Somebody else writes to our topic: that must be seen, and must not stop us."""
        self.metrics.protocol_anomalies_total.labels(kind="foreign_record").inc()
        log.error("%s: the record at offset %d is none of ours and is passed over", partition, offset)

    async def _advance(self, partition: Partition, shard: Shard, check: Check) -> None:
        """In slices, so that health checks and queries are answered while catching up."""
        more = True
        while more and not self._stopping:
            began = time.monotonic()
            output = shard.advance(self._ticks)
            took = time.monotonic() - began
            self.metrics.rule_evaluation_seconds.observe(took)
            for table, rows in output.rows.items():
                self._closed.add(table, rows)
            self._closed.flush()
            self._judged.add(partition, shard.offset, shard.wall_ms, output.violations, check)
            self._judged.flush()
            if output.alerts:
                await self._publish(output.alerts)
            more = output.more
            if more:
                self._ticks = max(int(self._ticks * min(_SLICE_SECONDS / took, 2.0)), 1)
                await asyncio.sleep(0)

    async def _publish(self, alerts: Iterable[Alert]) -> None:
        send = partial(publish, self.producer, self.config.topics.alerts, list(alerts))
        await self.store.retrying("kafka", send, still(self.consumer, self._epoch))

    async def _resend(self) -> None:
        """Repeat every active alert now and then, for whoever owns its partition of the alerts by now."""
        if time.monotonic() < self._resend_at:
            return
        self._resend_at = time.monotonic() + self.config.alertmanager.resend_delay
        active = [alert for shard in self.shards.values() for alert in shard.active()]
        firing = [msgspec.structs.replace(alert, reason="resend") for alert in active if alert.state == "firing"]
        if firing:
            await self._publish(firing)

    async def _snapshot(self, partition: Partition) -> None:
        """Write a shard's state and commit it with its offset, when everything it gave has been stored.

        When the outcome of the commit is unknown, whichever snapshot it names is a good one to start from.
        """
        shard = self.shards[partition]
        self._snapshot_at[partition] = time.monotonic() + SNAPSHOT_SECONDS
        if shard.offset < 0 or self._closed.waiting or self._judged.waiting:
            self._snapshot_at[partition] = time.monotonic() + 1.0
            return
        try:
            with self.metrics.snapshot_seconds.time():
                metadata = await self._kept.keep(partition, shard)
            await self.consumer().commit_offsets({partition: (shard.offset + 1, metadata)}, self._epoch)
        except Unavailable as error:
            log.warning("no snapshot of %s this time, the one before stands: %s", partition, error)

    async def _enter(self, epoch: int) -> None:
        """Take up the shards of the partitions that this epoch gave us; Fenced when it has passed."""
        async with self._entering:
            still(self.consumer, epoch)()
            if epoch != self._epoch:
                self.shards = {}
                self._pending.clear()
                await self._judged.clear()
                self.shards = await self._take_up(epoch)
                self._epoch, self._resend_at = epoch, 0.0

    async def _take_up(self, epoch: int) -> dict[Partition, Shard]:
        consumer, check = self.consumer(), still(self.consumer, epoch)
        owned = [partition for partition in consumer.owned if partition.topic == self.config.topics.panes]
        committed = await self.store.retrying("kafka", lambda: consumer.committed(owned), check)
        shards: dict[Partition, Shard] = {}
        for partition in owned:
            offset, metadata = committed.get(partition, (0, ""))
            if metadata:
                take_up = partial(self._kept.take_up, partition, metadata)
                shards[partition] = await self.store.retrying("kafka", take_up, check)
                log.info("took up %s at offset %d with %d tenants", partition, offset, len(shards[partition].tenants))
            else:
                shards[partition] = self.new_shard()
            self._snapshot_at[partition] = time.monotonic() + SNAPSHOT_SECONDS
        check()
        return shards

    async def _finish(self, turn: "asyncio.Future[None] | None") -> None:
        self._stopping = True
        self._wake.set()
        try:
            async with asyncio.timeout(20):
                if turn is not None:
                    await turn
                await self._closed.flushed()
                await self._judged.flushed()
                for partition in list(self.shards):
                    await self._snapshot(partition)
        except (Fenced, Unavailable, TimeoutError) as error:
            log.warning("stopped without a last snapshot; the next start merges from the one before: %r", error)

    def _observe(self) -> None:
        if time.monotonic() < self._observe_at:
            return
        self._observe_at = time.monotonic() + _OBSERVE_SECONDS
        now_ms = time.time_ns() // 1_000_000
        delays = [now_ms - shard.watermark.reached() for shard in self.shards.values() if shard.tenants]
        self.metrics.watermark_delay_seconds.set(max(delays, default=0) / 1000)
        tenants = [tenant for shard in self.shards.values() for tenant in shard.tenants.values()]
        for tenant in tenants:
            self.metrics.active_series.labels(tenant=tenant.name).set(len(tenant.catalogue))
        self.metrics.tenants.set(len(tenants))
        self.metrics.open_windows.set(sum(len(tenant.windows) for tenant in tenants))
        self.metrics.packed_window_bytes.set(sum(tenant.windows.packed_bytes() for tenant in tenants))
        self.metrics.waiting_windows.set(sum(tenant.windows.ready for tenant in tenants))
        self.metrics.waiting_panes_bytes.set(sum(delivery.batch.size_bytes for delivery in self._pending))
        for tenant in tenants:
            self._count(self.metrics.series_overflow_total.labels(tenant=tenant.name), tenant.overflowed)
            self._count(self.metrics.rule_errors_total, tenant.failures, tenant.name)
            self.metrics.sequence_keys.labels(tenant=tenant.name).set(len(tenant.sequences))
            self._count(self.metrics.sequence_overflow_total.labels(tenant=tenant.name), tenant.sequences.overflowed)
            self._count(self.metrics.sequence_late_total.labels(tenant=tenant.name), tenant.sequences.late)
        for at, shard in self.shards.items():
            self._count(self.metrics.tenants_overflow_total, shard.overflowed, at)
            for topic, (revised, dropped) in shard.late.items():
                self._count(self.metrics.late_revised_total.labels(topic=topic), revised, at)
                self._count(self.metrics.late_dropped_total.labels(topic=topic), dropped, at)
        states = [alert.state for shard in self.shards.values() for alert in shard.active()]
        for state in ("pending", "firing"):
            self.metrics.alerts.labels(state=state).set(states.count(state))

    def _count(self, counter: Any, total: int, part: Hashable = None) -> None:
        """Raise a counter by what ``total`` has grown; a shard that was taken up anew starts again from nothing."""
        before = self._counted.get((id(counter), part), 0)
        if total > before:
            counter.inc(total - before)
        self._counted[id(counter), part] = total
