"""The first stage: batches of events in; raw rows, dead letters and pane deltas out, each exactly once.

A round takes what has been fetched of every partition, folds it, declares all its extents in one commit, sends what the
windows need, and inserts the batches that are large or old enough (:mod:`streams.stages.owned`). While a round is
written, the next is folded; it is declared when the one before is written, which its declaration acknowledges.

*Pace*: a round begins as soon as something has come, but some time after the one before, the longer the more partitions
that had. So an event that comes alone is in its window at once, many share the costs of a round, and whoever is behind
makes rounds of all that can be had, one after the other.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from opentelemetry.trace import Tracer

from schemas.config import Config
from schemas.failures import Unavailable
from streams.batch import Partition
from streams.ingest.ingest import Ingest
from streams.stages.audit import Anomaly, Audit
from streams.stages.epochs import still, take_turns
from streams.stages.owned import Batch, Owned, Part, Taken
from streams.stages.protocol import declared, token
from streams.stages.refusals import Refusals
from streams.stages.sealing import Sealing
from streams.stages.sending import Sending
from streams.stages.store import Store
from streams.stages.transport import BatchConsumer, Delivery, Fenced
from streams.telemetry.metrics import Metrics
from streams.telemetry.traces import span
from streams.windows.deltas import Pulse

log = logging.getLogger(__name__)

_PULSE_SECONDS = 0.3
_PAUSE_PER_PART, _LONGEST_PAUSE = 0.025, 0.2
"""Seconds from the beginning of a round to that of the next, by what it cost: it is little that depends on records."""

_ENOUGH_ROWS = 10_000
"""Records of a batch that are worth an insert."""


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
        sealing: Sealing,
    ) -> None:
        self.config = config
        self.ingest = ingest
        self.store = store
        self.sealing = sealing
        self.sending = Sending(config.topics, producer, store, metrics)
        self.consumer = consumer
        self._learn_incarnations = incarnations
        self._incarnations: Mapping[str, str] = {}
        self.metrics = metrics
        self.tracer = tracer
        topics = config.topics
        self.sources = {topics.metrics, topics.security, topics.processing}
        self._epoch = -1
        self._lost = -1
        """The epoch in which a commit was refused: what it took is not declared, and comes again in the next one."""
        self._entering = asyncio.Lock()
        self._owned: dict[Partition, Owned] = {}
        self._wake = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._sending: frozenset[Partition] = frozenset()
        """The partitions of the round that is being written."""
        self._next_round = 0.0
        """When it may begin."""
        self._enough = min(_ENOUGH_ROWS, config.limits.batch_rows)
        self._pulsed = 0.0
        self._behind = False
        self._refusals = Refusals(config.limits.dead_letter_share)
        self._audit = Audit()

    async def offer(self, delivery: Delivery) -> None:
        """Take a batch from an agent; one of an epoch that has passed will come again to whoever owns it now."""
        try:
            await self._enter(delivery.epoch)
        except Fenced:
            return
        batch = delivery.batch
        self._report(self._audit.read(batch))
        repeated = batch.size_bytes - self._owned[batch.partition].offer(batch, time.monotonic())
        self.consumer().backlog.done(repeated, delivery.epoch)
        self.metrics.records_total.labels(topic=batch.partition.topic).inc(len(batch.values))
        self.metrics.record_bytes_total.labels(topic=batch.partition.topic).inc(batch.size_bytes)
        self._wake.set()

    async def run(self) -> None:
        """Write rounds until cancelled; then end the turn, insert what waits, and acknowledge it."""
        await take_turns(self._turn, self._finish, self._start_over)

    async def _start_over(self) -> None:
        await asyncio.gather(*filter(None, [self._writing]), return_exceptions=True)
        self._writing = None

    async def _turn(self) -> None:
        if self.consumer().epoch == self._lost or not self.consumer().owned:
            await asyncio.sleep(_LONGEST_PAUSE)
            return
        await self._enter(self.consumer().epoch)
        await self._gather()
        epoch = self._epoch
        try:
            await self._round(epoch)
        except Fenced:
            self._lost = epoch
            raise
        if time.monotonic() - self._pulsed >= _PULSE_SECONDS:
            self._pulsed = time.monotonic()
            await self._pulse(epoch)

    async def _round(self, epoch: int) -> None:
        parts = await self._fold()
        if parts or (self._writing is not None and self._writing.done()):
            await self._written(epoch)
        if parts:
            await self._declare(parts, epoch)
        if self._writing is None:
            self._start_writing(parts, epoch)
        if self._writing is None:
            await self._acknowledge(epoch)

    def _start_writing(self, parts: list[Part], epoch: int) -> None:
        """Send the parts of a round, and insert what is due."""
        due = self._due(0 if self.consumer().backlog.is_filling else self._enough)
        if parts or due:
            self._sending = frozenset(part.partition for part in parts)
            self._writing = asyncio.create_task(self._write(parts, due, epoch))

    def _due(self, enough: int) -> list[Batch]:
        """The batches to insert now, which grow no more."""
        now = time.monotonic()
        waiting = [owned.batch for owned in self._owned.values() if owned.batch is not None]
        due = [batch for batch in waiting if batch.is_due(now, enough)]
        for batch in due:
            batch.closed = True
        return due

    async def _enter(self, epoch: int) -> None:
        """Learn what was committed of the partitions that this epoch gave us, and tell the windows to expect them.

        Raises Fenced when the epoch has passed.
        """
        async with self._entering:
            still(self.consumer, epoch)()
            if epoch == self._epoch:
                return
            self._owned, self._epoch = {}, -1
            consumer, check = self.consumer(), still(self.consumer, epoch)
            owned = sorted(partition for partition in consumer.owned if partition.topic in self.sources)
            self._incarnations = await self.store.retrying("kafka", self._learn_incarnations, check)
            committed = await self.store.retrying("kafka", lambda: consumer.committed(owned), check)
            await self.sending.pulse(Pulse(wall_ms=_now_ms(), expected=owned))
            check()
            now = time.monotonic()
            self._owned = {at: Owned(declared(*committed[at]) if at in committed else None, now) for at in owned}
            for at, (offset, _) in committed.items():
                self._owned[at].received = offset  # chaos saw a reader that stood before what was committed
            self._report(self._audit.enter(committed, self._incarnations))
            self._epoch = epoch
            self.metrics.rebalances_total.inc()

    async def _gather(self) -> None:
        """Wait until there is something to do; then, unless we are behind, until the next round may begin."""
        waiting = asyncio.ensure_future(self._wake.wait())
        done_first = {waiting} if self._writing is None else {waiting, self._writing}
        await asyncio.wait(done_first, timeout=_PULSE_SECONDS / 2, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._wake.is_set() and not self._behind:
            await asyncio.sleep(self._next_round - time.monotonic())
        self._wake.clear()

    async def _fold(self) -> list[Part]:
        """Take a round and fold it in a thread, so that heartbeats and health checks are answered meanwhile."""
        ready = [owned for owned in self._owned.values() if owned.pending]
        if not ready:
            self._behind = False
            return []
        wall_ms = _now_ms()
        taken = self._take(wall_ms)
        self._next_round = time.monotonic() + min(len(taken) * _PAUSE_PER_PART, _LONGEST_PAUSE)
        self._behind = sum(_records(each) for each in taken) >= self.config.limits.batch_rows
        if taken and any(owned.pending for owned in ready):
            self._wake.set()
        if not taken:  # batches in doubt are not complete: only more records help, and those wake us
            self.consumer().backlog.let_in()
        return await asyncio.to_thread(self._fold_all, taken, wall_ms) if taken else []

    def _take(self, wall_ms: int) -> list[Taken]:
        """Records for a round: the partitions in turn, each with all it has, until there are rows enough.

        So those who are behind make few large inserts, which cost ClickHouse a fraction of many small ones: it merges
        parts again and again (docs/performance.md).
        """
        found: list[Taken] = []
        rows, enough = 0, self.config.limits.batch_rows
        for at in [at for at, owned in self._owned.items() if owned.pending]:
            taken = self._owned[at].take(enough, wall_ms)
            if taken is None:
                continue
            self._owned[at] = self._owned.pop(at)  # last in the next round
            found.append(taken)
            rows += _records(taken)
            if rows >= enough:
                break
        return found

    def _fold_all(self, round_: Iterable[Taken], now_ms: int) -> list[Part]:
        parts = []
        for taken in round_:
            incarnation = self._incarnations[taken.pieces[0].partition.topic]
            pieces = [(piece, self.ingest(piece, taken.wall_ms, incarnation)) for piece in taken.pieces]
            parts.append(Part(pieces, taken.wall_ms, taken.wall_ms if taken.doubt else now_ms, taken.doubt))
        return parts

    async def _declare(self, parts: list[Part], epoch: int) -> None:
        """Commit the extent of every batch of the round; a stale worker fails here, before it writes."""
        still(self.consumer, epoch)()
        for part in parts:
            for piece, _ in part.pieces:
                self._report(self._audit.declares(piece))
        now = time.monotonic()
        grown = [self._owned[part.partition].add(part, now + self._patience()) for part in parts]
        with self.metrics.declare_seconds.time():
            await self._commit({b.partition: (b.extent.first, b.extent.metadata()) for b in grown}, epoch)
        for batch in grown:
            batch.declared = True

    def _patience(self) -> float:
        """How long a new batch may wait for more, in seconds: not all of them equally long, so that they take turns."""
        return self.config.limits.batch_wait * random.uniform(0.5, 1.0)  # noqa: S311 - no secret

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

        await self.store.retrying("kafka", attempt, still(self.consumer, epoch))
        self._audit.committed(offsets, self._incarnations)

    async def _written(self, epoch: int) -> None:
        """Wait for the round before, which a stop must not break off: it is declared.

        When it was fenced, but belonged to an earlier epoch, that does not concern the round of this one.
        """
        if self._writing is not None:
            try:
                await asyncio.shield(self._writing)
            except Fenced:
                still(self.consumer, epoch)()
            self._writing = None

    async def _write(self, parts: list[Part], due: list[Batch], epoch: int) -> None:
        check = still(self.consumer, epoch)
        with self.metrics.batch_seconds.time(), span(self.tracer, "batch", records=sum(b.records for b in due)):
            if parts:
                await self.sending.parts(parts, _now_ms(), check)
            try:
                await asyncio.gather(*(self._insert(batch, check) for batch in due))
            finally:
                if due and self.consumer().epoch != epoch:
                    log.info("a rebalance came while rows were being inserted")
        for batch in due:
            self._inserted(batch, epoch)

    def _inserted(self, batch: Batch, epoch: int) -> None:
        self.consumer().backlog.done(batch.size_bytes, epoch)
        if epoch == self._epoch:
            self._owned[batch.partition].inserted(batch)
        for records, ingested in batch.pieces:
            for kind, count in ingested.events.items():
                self.metrics.events_total.labels(type=kind).inc(count)
            for letter in ingested.dead:
                self.metrics.dead_letters_total.labels(reason=letter.reason).inc()
            self._refusals.add(len(records.values), len(ingested.dead), time.monotonic())

    async def _insert(self, batch: Batch, check: Callable[[], None]) -> None:
        at, (first, last) = batch.partition, batch.extent[:2]
        outcomes = set()
        for table, rows in (await self.sealing(batch.tables(), check)).items():
            name = token(self.config.kafka.group, self._incarnations[at.topic], at, first, last, table)
            if batch.doubtful:
                outcomes.add(await self.store.recover(table, rows, name, check))
            else:
                await self.store.put(table, rows, name, check)
        if batch.doubtful:
            outcome = outcomes.pop() if len(outcomes) == 1 else "partial"
            self.metrics.recovered_batches_total.labels(outcome=outcome).inc()
            log.info("the rows of a batch in doubt, %s-%d %d to %d, were %s", *at, first, last, outcome)

    async def _acknowledge(self, epoch: int) -> None:
        """Nothing more has come: say that what was written is done."""
        done = {at: (owned.stored, "") for at, owned in self._owned.items() if owned.stored is not None}
        if done:
            await self._commit(done, epoch)
            for at in done:
                self._owned[at].stored = None

    async def _pulse(self, epoch: int) -> None:
        """Tell the windows which partitions have been read to their end and are quiet."""
        consumer, quiet = self.consumer(), self.config.windows.idle_timeout
        positions = await consumer.positions(self._owned)
        for at, position in positions.items():
            lag = max(position.end - self._owned[at].stored_to(position.offset), 0) if at in self._owned else 0
            self.metrics.consumer_lag.labels(topic=at.topic, partition=at.number).set(lag)
        self.metrics.interned_series.set(len(self.ingest.table))
        writing = self._sending if self._writing is not None else frozenset()
        now = time.monotonic()
        idle = [
            at
            for at, owned in self._owned.items()
            if at in positions and at not in writing and owned.is_found_idle(positions[at], now, quiet)
        ]
        if idle and epoch == self._epoch:
            await self.sending.pulse(Pulse(wall_ms=_now_ms(), idle=idle))

    async def _finish(self, turn: "asyncio.Future[None] | None") -> None:
        """A clean stop: what was declared is written and acknowledged, the rest left for the next owner."""
        try:
            async with asyncio.timeout(30):
                if turn is not None:
                    await turn
                await self._written(self._epoch)
                await self._write([], self._due(0), self._epoch)
                await self._acknowledge(self._epoch)
        except (Fenced, TimeoutError) as error:
            log.warning(
                "stopped before the last batch was acknowledged; it will be checked at the next start: %r", error
            )


def _records(taken: Taken) -> int:
    return sum(len(piece.values) for piece in taken.pieces)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
