"""The stage of evidence: findings and acts in; the entries, seals and heads of the ledger out.

Delivery: rows follow from the log alone and carry its offsets, so one that is written again is the same row. The state
after a record is kept as a snapshot that the commit of its offset names; a successor goes on from there. That an hour
is over is a record too, written by whoever owns the partition, and takes effect when it is read.
Back-pressure: while ClickHouse is away nothing is acknowledged; the topic keeps everything until it is back.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from aiokafka.errors import KafkaError

from schemas import cloudevents
from schemas.config import Config
from schemas.events import MetricEvent
from schemas.failures import Rejected, Unavailable
from schemas.tables import COLUMNS
from streams.batch import Partition, RecordBatch
from streams.evidence import attestations, records
from streams.evidence.chain import EntryRow, HeadRow, SealRow
from streams.evidence.ledger import Ledger, Row
from streams.evidence.records import InForce, Record, Tick
from streams.evidence.signing import SigningKey
from streams.stages import snapshots
from streams.stages.epochs import still, take_turns
from streams.stages.snapshots import Located, Lost
from streams.stages.store import Check, Store
from streams.stages.transport import BatchConsumer, Delivery, Fenced
from streams.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

KEEP_SECONDS = 5.0
"""Between two snapshots of a partition that has moved on; a successor reads again what came after the last one."""

_KEPT_FOR_SECONDS = 3_600.0
"""After so long an unchanged snapshot is written again, before the topic lets go of it."""

_STATE_SECONDS = 60.0

_ROWS_AT_ONCE = 20_000
"""Of an insert, about: some 30 MB."""

_GRACE_MS = 5_000
"""How long an hour is over before it is sealed: the broker's clock is another one."""


class _Owned:
    """A partition's ledger, and how much of it is kept."""

    def __init__(self, ledger: Ledger, next_offset: int) -> None:
        self.ledger = ledger
        self.next_offset = self.kept_offset = next_offset
        self.kept_at = time.monotonic()
        self.told_ms = 0
        """The end of the hour that a tick was written for."""


class EvidenceStage:
    """Keeps the ledgers of the partitions that this worker owns. ``policies``: id -> digest of those in force."""

    def __init__(
        self,
        config: Config,
        key: SigningKey | None,
        policies: Mapping[str, str],
        store: Store,
        producer: Any,
        consumer: Callable[[], BatchConsumer],
        incarnations: Callable[[], Awaitable[Mapping[str, str]]],
        metrics: Metrics,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.config = config
        self.key = key
        self.policies = policies
        self.store = store
        self.producer = producer
        self.consumer = consumer
        self.metrics = metrics
        self.now_ms = now_ms
        self._learn_incarnations = incarnations
        self._epoch = -1
        self._owned: dict[Partition, _Owned] = {}
        self._stated_at = 0.0
        self._batches: asyncio.Queue[Delivery] = asyncio.Queue()

    async def offer(self, delivery: Delivery) -> None:
        """Take a batch of evidence records from the agent; it counts as not yet stored until its rows are written."""
        await self._batches.put(delivery)

    async def run(self) -> None:
        """Until cancelled; then leave a snapshot of what is written."""
        await take_turns(self._turn, self._finish)

    async def _turn(self) -> None:
        delivery = None
        with suppress(TimeoutError):
            delivery = await asyncio.wait_for(self._batches.get(), 1.0)
        epoch = self.consumer().epoch
        if epoch != self._epoch and self.consumer().owned:
            await self._enter(epoch)
        if delivery is not None and delivery.epoch == self._epoch:
            await self._batch(delivery.batch, delivery.epoch)
        if delivery is not None:
            self.consumer().backlog.done(delivery.batch.size_bytes, delivery.epoch)
        if epoch == self._epoch:
            await self._pass_time(epoch)
            await self._state_attestations(epoch)
            await self._keep_due(epoch, KEEP_SECONDS)

    async def _enter(self, epoch: int) -> None:
        """Take up the ledgers of the partitions that this epoch gave us, and say which policies are in force."""
        check, consumer = still(self.consumer, epoch), self.consumer()
        check()
        self._epoch, self._owned = -1, {}
        owned = [partition for partition in consumer.owned if partition.topic == self.config.topics.evidence]
        incarnations = await self.store.retrying("kafka", self._learn_incarnations, check)
        committed = await self.store.retrying("kafka", lambda: consumer.committed(owned), check)
        for at in owned:
            ledger = Ledger(f"{incarnations[at.topic]}/{at.number}", self.key, self.config.limits.tenants)
            offset, metadata = committed.get(at, (0, ""))
            if metadata:
                await self._restore(at, ledger, Located.parse(metadata), check)
            self._owned[at] = _Owned(ledger, offset)
            await self._send(at, InForce(dict(self.policies)), check)
        check()
        self._epoch = epoch

    async def _restore(self, at: Partition, ledger: Ledger, located: Located, check: Check) -> None:
        async def attempt() -> bytes:
            try:
                return await snapshots.read(self.config, at.number, located)
            except Lost as lost:
                log.error("new chains of evidence begin in %s, as the state of those before is gone: %s", at, lost)
                return b""

        if packed := await self.store.retrying("kafka", attempt, check):
            ledger.restore(packed)

    async def _batch(self, batch: RecordBatch, epoch: int) -> None:
        """Rows are written piece by piece: a fetch that catches up may bring a hundred thousand of them."""
        owned, check = self._owned[batch.partition], still(self.consumer, epoch)
        rows: list[Row] = []
        for offset, value, at_ms in zip(batch.offsets, batch.values, batch.timestamps, strict=True):
            if (record := self._record(value)) is not None:
                rows += owned.ledger.take(record, int(offset), int(at_ms))
                await asyncio.sleep(0)  # alerts are told in the same loop
            if len(rows) >= _ROWS_AT_ONCE:
                await self._write(rows, owned.ledger.heads(), check)
                rows = []
        await self._write(rows, owned.ledger.heads(), check)
        owned.next_offset = batch.next_offset

    def _record(self, value: bytes | None) -> Record | None:
        try:
            return records.decode(value)
        except Rejected:
            self.metrics.protocol_anomalies_total.labels(kind="foreign_record").inc()
            log.error("a record of the evidence topic is none of ours and is passed over")
            return None

    async def _write(self, rows: Sequence[Row], heads: Sequence[HeadRow], check: Check) -> None:
        """Entries before the seals of them, and both before the head that knows them."""
        entries = [row for row in rows if isinstance(row, EntryRow)]
        seals = [row for row in rows if isinstance(row, SealRow)]
        await self._rows("evidence", entries, check)
        await self._rows("evidence_seals", [_flat(row) for row in seals], check)
        await self._rows("evidence_heads", [_flat(row) for row in heads], check)
        self.metrics.evidence_entries_total.inc(len(entries))
        self.metrics.evidence_seals_total.inc(len(seals))

    async def _rows(self, table: str, rows: Sequence[Sequence[Any]], check: Check) -> None:
        if rows:
            columns = dict(zip(COLUMNS[table], zip(*rows, strict=True), strict=True))
            await self.store.write(table, columns, check)

    async def _pass_time(self, epoch: int) -> None:
        """Have the hours sealed that are over."""
        for at, owned in self._owned.items():
            until_ms = owned.ledger.open_until_ms()
            if until_ms is not None and until_ms != owned.told_ms and self.now_ms() >= until_ms + _GRACE_MS:
                await self._send(at, Tick(), still(self.consumer, epoch))
                owned.told_ms = until_ms

    async def _state_attestations(self, epoch: int) -> None:
        """How long each holds, as an event for the rules. Stated again and again, as rules look back for minutes."""
        if time.monotonic() < self._stated_at + _STATE_SECONDS:
            return
        self._stated_at, now_ms = time.monotonic(), self.now_ms()
        events = [
            attestations.event(*attested, now_ms)
            for owned in self._owned.values()
            for attested in owned.ledger.attested()
        ]
        if events:
            await self.store.retrying("kafka", partial(self._send_events, events), still(self.consumer, epoch))

    async def _send_events(self, events: Iterable[MetricEvent]) -> None:
        try:
            for event in events:
                key = f"{event.data.tenant}/{event.data.service}".encode()
                await self.producer.send(self.config.topics.metrics, value=cloudevents.encode(event), key=key)
        except KafkaError as error:
            raise Unavailable(f"producing: {error!r}") from error

    async def _keep_due(self, epoch: int, after_s: float) -> None:
        """Snapshots of the partitions that have moved on for so long, and of those that are old."""
        now = time.monotonic()
        for at, owned in self._owned.items():
            moved = owned.next_offset != owned.kept_offset and now - owned.kept_at >= after_s
            if moved or (owned.kept_offset and now - owned.kept_at >= _KEPT_FOR_SECONDS):
                await self._keep(at, owned, epoch)

    async def _keep(self, at: Partition, owned: _Owned, epoch: int) -> None:
        check, packed = still(self.consumer, epoch), owned.ledger.snapshot()
        write = partial(snapshots.store, self.producer, self.config.topics.snapshots, at.number, packed)
        located = await self.store.retrying("kafka", write, check)
        commit = partial(self._commit, {at: (owned.next_offset, located.metadata())}, epoch)
        await self.store.retrying("kafka", commit, check)
        owned.kept_offset, owned.kept_at = owned.next_offset, time.monotonic()

    async def _commit(self, offsets: Any, epoch: int) -> None:
        await self.consumer().commit_offsets(offsets, epoch)

    async def _send(self, at: Partition, record: Record, check: Check) -> None:
        async def attempt() -> None:
            try:
                sent = await self.producer.send(at.topic, value=records.encode(record), partition=at.number)
                await sent
            except KafkaError as error:
                raise Unavailable(f"producing: {error!r}") from error

        await self.store.retrying("kafka", attempt, check)

    async def _finish(self, turn: "asyncio.Future[None] | None") -> None:
        try:
            async with asyncio.timeout(20):
                if turn is not None:
                    await turn
                await self._keep_due(self._epoch, 0.0)
        except (Fenced, Unavailable, TimeoutError) as error:
            log.warning("stopped without a last snapshot of the evidence; it is read again: %r", error)


def _flat(row: SealRow | HeadRow) -> tuple[Any, ...]:
    """In the order of the columns."""
    return (*row[:-1], *row.signed)
