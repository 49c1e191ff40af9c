"""The first stage: batches of events in; raw rows, dead letters and pane deltas out, each exactly once.

A round takes what has been fetched of every partition, folds it, declares all its extents in one commit, and writes.
While a round is written, the next is folded. The declaration acknowledges the round before it, so it waits for that.
"""

import asyncio
import logging
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from aiokafka.errors import KafkaError
from opentelemetry.trace import Tracer

from schemas.config import Config
from schemas.failures import Rejected, Unavailable
from streams.batch import DeadLetter, Partition, RecordBatch
from streams.ingest.ingest import Ingest, Ingested
from streams.stages.audit import Anomaly, Audit
from streams.stages.protocol import Declared, declared, join, split, token
from streams.stages.store import Store
from streams.stages.transport import BatchConsumer, Delivery, Fenced
from streams.telemetry.metrics import Metrics
from streams.telemetry.traces import span
from streams.windows import panes
from streams.windows.panes import PaneDelta, Pulse

log = logging.getLogger(__name__)

_PULSE_SECONDS = 1.0
_BEHIND_ROWS = 10_000
"""A round of at least this many records is not kept waiting for more."""

_MINUTE, _FEWEST = 60.0, 1_000
"""How long refusals are counted, and of how many records at least a share is looked at."""

_LETTER_BYTES = 900_000
"""Of a dead letter's copy in Kafka, whose broker takes 1 MB; ClickHouse has all of it."""


class _Owned:
    """What this worker knows of a partition it owns."""

    def __init__(self, in_doubt: Declared | None) -> None:
        self.in_doubt = in_doubt
        self.pending: deque[RecordBatch] = deque()
        self.received = -1
        """The next offset that is new."""
        self.stored: int | None = None
        """Where to read on once everything written is acknowledged; None when nothing waits for that."""
        self.quiet_since = time.monotonic()

    def offer(self, batch: RecordBatch) -> int:
        """Take a batch, less what was taken before: a seek delivers records again. How many bytes were new."""
        if batch.offsets[0] < self.received:
            _, rest = split(batch, bisect_right(batch.offsets, self.received - 1))
            if rest is None:
                return 0
            batch = rest
        self.pending.append(batch)
        self.received = batch.next_offset
        self.quiet_since = time.monotonic()
        return batch.size_bytes

    def take(self, limit: int) -> tuple[RecordBatch, Declared | None] | None:
        """The next batch to write, and what it was declared as if a predecessor did; None when it has to wait."""
        if not self.pending:
            return None
        batch = join(self.pending)
        doubt, count = self.in_doubt, limit
        if doubt is not None:
            if batch.next_offset <= doubt.last:
                return None
            count = bisect_right(batch.offsets, doubt.last)
            self.in_doubt = None
            if not count:
                doubt, count = None, limit  # what was declared is gone from the topic
        first, rest = split(batch, count)
        self.pending = deque([rest] if rest else [])
        return first, doubt


class _Refusals:
    """Stops a worker that refuses nearly everything: a mistake in a deployment must not drain a topic."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._since = self._records = self._refused = 0.0

    def add(self, records: int, refused: int, now: float) -> None:
        """Count what was read and refused at ``now`` (seconds). Raises Rejected past the limit of a minute."""
        if now - self._since > _MINUTE:
            self._since, self._records, self._refused = now, 0, 0
        self._records += records
        self._refused += refused
        if self._records >= _FEWEST and self._refused > self._limit * self._records:
            raise Rejected(
                f"{self._refused:.0f} of {self._records:.0f} records within a minute were refused, more than "
                "limits.dead_letter_share allows; look at `tidewatch deadletters`, then start the worker again"
            )


class _Folded:
    """A batch on its way to the sinks."""

    def __init__(self, batch: RecordBatch, extent: Declared, doubtful: bool, ingested: Ingested) -> None:
        self.batch = batch
        self.extent = extent
        self.doubtful = doubtful
        self.ingested = ingested


class IngestStage:
    """Writes rounds for as long as it runs; batches are offered by agents."""

    def __init__(
        self,
        config: Config,
        ingest: Ingest,
        store: Store,
        producer: Any,
        consumer: Callable[[], BatchConsumer],
        incarnations: Callable[[], Awaitable[Mapping[str, str]]],
        metrics: Metrics,
        tracer: Tracer,
    ) -> None:
        self.config = config
        self.ingest = ingest
        self.store = store
        self.producer = producer
        self.consumer = consumer
        self._learn_incarnations = incarnations
        self._incarnations: Mapping[str, str] = {}
        self.metrics = metrics
        self.tracer = tracer
        topics = config.topics
        self.sources = {topics.metrics, topics.security, topics.processing}
        self._epoch = -1
        self._entering = asyncio.Lock()
        self._owned: dict[Partition, _Owned] = {}
        self._wake = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._round: frozenset[Partition] = frozenset()
        """The partitions of the round that is being written."""
        self._pulsed = 0.0
        self._behind = False
        self._refusals = _Refusals(config.limits.dead_letter_share)
        self._audit = Audit()

    async def offer(self, delivery: Delivery) -> None:
        """Take a batch from an agent; one of an epoch that has passed will come again to whoever owns it now."""
        try:
            await self._enter(delivery.epoch)
        except Fenced:
            return
        batch = delivery.batch
        self._report(self._audit.read(batch))
        repeated = batch.size_bytes - self._owned[batch.partition].offer(batch)
        self.consumer().backlog.done(repeated, delivery.epoch)
        self.metrics.records_total.labels(topic=batch.partition.topic).inc(len(batch.values))
        self.metrics.record_bytes_total.labels(topic=batch.partition.topic).inc(batch.size_bytes)
        self._wake.set()

    async def run(self) -> None:
        """Write rounds until cancelled; then finish what is being written, and acknowledge it."""
        try:
            while True:
                try:
                    await self._turn()
                except Fenced as fenced:
                    log.info("partitions were reassigned, starting over: %s", fenced)
                    await asyncio.gather(*filter(None, [self._writing]), return_exceptions=True)
                    self._writing = None
        except asyncio.CancelledError:
            await self._finish()
            raise

    async def _turn(self) -> None:
        if self.consumer().owned:
            await self._enter(self.consumer().epoch)
        await self._gather()
        epoch = self._epoch
        folded = await self._fold()
        if folded:
            await self._written(epoch)
            await self._declare(folded, epoch)
            self._round = frozenset(f.batch.partition for f in folded)
            self._writing = asyncio.create_task(self._write(folded, epoch))
        elif self._writing is not None and self._writing.done():
            await self._written(epoch)
        elif self._writing is None:
            await self._acknowledge(epoch)
        if time.monotonic() - self._pulsed >= _PULSE_SECONDS:
            self._pulsed = time.monotonic()
            await self._pulse(epoch)

    async def _enter(self, epoch: int) -> None:
        """Learn what was committed of the partitions that this epoch gave us, and tell the windows to expect them.

        Raises Fenced when the epoch has passed.
        """
        async with self._entering:
            self._check(epoch)()
            if epoch == self._epoch:
                return
            self._owned, self._epoch = {}, -1
            consumer, check = self.consumer(), self._check(epoch)
            owned = [partition for partition in consumer.owned if partition.topic in self.sources]
            self._incarnations = await self.store.retrying("kafka", self._learn_incarnations, check)
            committed = await self.store.retrying("kafka", lambda: consumer.committed(owned), check)
            await self._send_pulse(Pulse(wall_ms=_now_ms(), expected=owned))
            check()
            self._owned = {at: _Owned(declared(*committed[at]) if at in committed else None) for at in owned}
            self._report(self._audit.enter(committed, self._incarnations))
            self._epoch = epoch
            self.metrics.rebalances_total.inc()

    async def _gather(self) -> None:
        """Wait until there is something to do, and a little longer when little has come."""
        waiting = asyncio.ensure_future(self._wake.wait())
        done_first = {waiting} if self._writing is None else {waiting, self._writing}
        await asyncio.wait(done_first, timeout=_PULSE_SECONDS / 2, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._wake.is_set() and not self._behind and self._writing is None:
            await asyncio.sleep(self.config.limits.batch_wait)
        self._wake.clear()

    async def _fold(self) -> list[_Folded]:
        """Take a round and fold it in a thread, so that heartbeats and health checks are answered meanwhile."""
        ready = [owned for owned in self._owned.values() if owned.pending]
        if not ready:
            self._behind = False
            return []
        wall_ms = _now_ms()
        taken = self._take()
        self._behind = sum(len(batch.values) for batch, _ in taken) >= _BEHIND_ROWS
        if taken and any(owned.pending for owned in ready):
            self._wake.set()  # when nothing could be taken, only more records help, and those wake us
        return await asyncio.to_thread(self._fold_all, taken, wall_ms)

    def _take(self) -> list[tuple[RecordBatch, Declared | None]]:
        """Batches for a round: the partitions in turn, each with all it has, until there are rows enough.

        So those who are behind make few large inserts, which cost ClickHouse a fraction of many small ones: it merges
        parts again and again (docs/performance.md).
        """
        taken: list[tuple[RecordBatch, Declared | None]] = []
        rows, enough = 0, self.config.limits.batch_rows
        for at in [at for at, owned in self._owned.items() if owned.pending]:
            batch = self._owned[at].take(enough)
            if batch is None:
                continue
            self._owned[at] = self._owned.pop(at)  # last in the next round
            taken.append(batch)
            rows += len(batch[0].values)
            if rows >= enough:
                break
        return taken

    def _fold_all(self, taken: Iterable[tuple[RecordBatch, Declared | None]], wall_ms: int) -> list[_Folded]:
        folded = []
        for batch, doubt in taken:
            extent = doubt or Declared(batch.offsets[0], batch.offsets[-1], wall_ms)
            ingested = self.ingest(batch, extent.wall_ms, self._incarnations[batch.partition.topic])
            folded.append(_Folded(batch, extent, doubt is not None, ingested))
        return folded

    async def _declare(self, round_: list[_Folded], epoch: int) -> None:
        """Commit the extent of every batch of the round; a stale worker fails here, before it writes."""
        offsets = {f.batch.partition: (f.extent.first, f.extent.metadata()) for f in round_}
        self._check(epoch)()
        for folded in round_:
            self._report(self._audit.declares(folded.batch))
        with self.metrics.declare_seconds.time():
            await self._commit(offsets, epoch)

    def _report(self, anomalies: Iterable[Anomaly]) -> None:
        for anomaly in anomalies:
            self.metrics.protocol_anomalies_total.labels(kind=anomaly.kind).inc()
            log.error("%s", anomaly.text)

    async def _commit(self, offsets: Mapping[Partition, tuple[int, str]], epoch: int) -> None:
        consumer = self.consumer()

        async def attempt() -> None:
            try:
                await consumer.commit_offsets(offsets, epoch)
            except Unavailable:
                # The outcome is unknown: it may have been stored.
                stored = await consumer.committed(offsets) == dict(offsets)
                log.warning("the outcome of a commit was unknown: it was %s", "stored" if stored else "not stored")
                if not stored:
                    raise

        await self.store.retrying("kafka", attempt, self._check(epoch))
        self._audit.committed(offsets, self._incarnations)

    async def _written(self, epoch: int) -> None:
        """Wait for the round before, which a stop must not break off: it is declared.

        When it was fenced, but belonged to an earlier epoch, that does not concern the round of this one.
        """
        if self._writing is not None:
            try:
                await asyncio.shield(self._writing)
            except Fenced:
                self._check(epoch)()
            self._writing = None

    async def _write(self, round_: list[_Folded], epoch: int) -> None:
        with (
            self.metrics.batch_seconds.time(),
            span(self.tracer, "batch", records=sum(len(f.batch.values) for f in round_)),
        ):
            check = self._check(epoch)
            await asyncio.gather(*(self._send_one(folded, check) for folded in round_))
            seen = [(f.batch.partition, f.ingested.high_ms, f.extent.wall_ms) for f in round_ if f.ingested.high_ms]
            await self._send_pulse(Pulse(wall_ms=_now_ms(), seen=seen))
            try:
                await asyncio.gather(*(self._write_one(folded, check) for folded in round_))
            finally:
                if self.consumer().epoch != epoch:
                    log.info("a rebalance came while rows were being inserted")
        for folded in round_:
            batch = folded.batch
            self.consumer().backlog.done(batch.size_bytes, epoch)
            if epoch == self._epoch:
                self._owned[batch.partition].stored = batch.next_offset
            for kind, count in folded.ingested.events.items():
                self.metrics.events_total.labels(type=kind).inc(count)
            for letter in folded.ingested.dead:
                self.metrics.dead_letters_total.labels(reason=letter.reason).inc()
            self._refusals.add(len(batch.values), len(folded.ingested.dead), time.monotonic())

    async def _send_one(self, folded: _Folded, check: Callable[[], None]) -> None:
        await self.store.retrying("kafka", lambda: self._send(folded.ingested), check)

    async def _write_one(self, folded: _Folded, check: Callable[[], None]) -> None:
        batch, ingested = folded.batch, folded.ingested
        outcomes = set()
        for table, rows in ingested.raw.items():
            incarnation = self._incarnations[batch.partition.topic]
            first, last, _ = folded.extent
            name = token(self.config.kafka.group, incarnation, batch.partition, first, last, table)
            if folded.doubtful:
                outcomes.add(await self.store.recover(table, rows, name, check))
            else:
                await self.store.put(table, rows, name, check)
        if folded.doubtful:
            outcome = outcomes.pop() if len(outcomes) == 1 else "partial"
            self.metrics.recovered_batches_total.labels(outcome=outcome).inc()
            log.info("the rows of a batch in doubt, %s-%d %d to %d, were %s", *batch.partition, first, last, outcome)

    async def _send(self, ingested: Ingested) -> None:
        """Pane deltas to their tenants' partitions, dead letters to theirs; all stored when this returns."""
        topics = self.config.topics
        try:
            sent = [await self._send_delta(delta) for delta in ingested.deltas]
            sent += [
                await self.producer.send(
                    topics.dead_letters, value=(letter.value or b"")[:_LETTER_BYTES], headers=_headers(letter)
                )
                for letter in ingested.dead
            ]
            await asyncio.gather(*sent)
        except KafkaError as error:
            raise Unavailable(f"producing: {error!r}") from error

    async def _send_delta(self, delta: PaneDelta) -> Any:
        packed = panes.encode(delta)
        self.metrics.panes_records_total.inc()
        self.metrics.panes_bytes_total.inc(len(packed))
        return await self.producer.send(self.config.topics.panes, value=packed, key=delta.tenant.encode())

    async def _acknowledge(self, epoch: int) -> None:
        """Nothing more has come: say that what was written is done."""
        written = [owned for owned in self._owned.values() if owned.stored is not None]
        done = {at: (owned.stored, "") for at, owned in self._owned.items() if owned.stored is not None}
        if done:
            await self._commit(done, epoch)
            for owned in written:
                owned.stored = None

    async def _pulse(self, epoch: int) -> None:
        """Tell the windows which partitions have been read to their end and are quiet."""
        consumer, quiet = self.consumer(), self.config.windows.idle_timeout
        positions = await consumer.positions(self._owned)
        for at, (position, end) in positions.items():
            lag = max(end - (self._owned[at].stored or position), 0) if at in self._owned else 0
            self.metrics.consumer_lag.labels(topic=at.topic, partition=at.number).set(lag)
        self.metrics.buffered_bytes.set(consumer.backlog.bytes)
        self.metrics.back_pressure_paused.set(consumer.backlog.bytes >= consumer.backlog.limit)
        writing = self._round if self._writing is not None else frozenset()
        now = time.monotonic()
        idle = [
            at
            for at, owned in self._owned.items()
            if not owned.pending
            and at not in writing
            and owned.in_doubt is None
            and now - owned.quiet_since >= quiet
            and at in positions
            and positions[at][0] >= positions[at][1]
        ]
        if idle and epoch == self._epoch:
            await self._send_pulse(Pulse(wall_ms=_now_ms(), idle=idle))

    async def _send_pulse(self, pulse: Pulse) -> None:
        topic, packed = self.config.topics.panes, panes.encode(pulse)

        async def attempt() -> None:
            try:
                numbers = await self.producer.partitions_for(topic)
                sent = [await self.producer.send(topic, value=packed, partition=number) for number in sorted(numbers)]
                await asyncio.gather(*sent)
            except KafkaError as error:
                raise Unavailable(f"producing: {error!r}") from error

        await self.store.retrying("kafka", attempt, lambda: None)

    async def _finish(self) -> None:
        """A clean stop: what is being written is finished and acknowledged, the rest left for the next owner."""
        try:
            await asyncio.wait_for(self._written(self._epoch), 30)
            await asyncio.wait_for(self._acknowledge(self._epoch), 10)
        except (Fenced, TimeoutError) as error:
            log.warning(
                "stopped before the last batch was acknowledged; it will be checked at the next start: %r", error
            )

    def _check(self, epoch: int) -> Callable[[], None]:
        def check() -> None:
            if self.consumer().epoch != epoch:
                raise Fenced("partitions were reassigned")

        return check


def _headers(letter: DeadLetter) -> list[tuple[str, bytes]]:
    about = {
        "topic": letter.topic,
        "partition": str(letter.partition),
        "offset": str(letter.offset),
        "reason": letter.reason,
        "detail": letter.detail,
    }
    return [(f"tidewatch-{name}", value.encode()) for name, value in about.items()]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
