"""Record batches for Faust: one message a partition and fetch, and offsets that Faust does not commit.

Faust hands an agent one message at a time, for about 100 µs each, and commits what it believes to be done; measured,
that loses events (docs/decisions/0001-own-the-offsets.md). Here a message is everything that one fetch brought of a
partition, its values taken straight from the record batches without an object a record, and offsets are committed
only by :meth:`BatchConsumer.commit_offsets`. The classes reach into aiokafka's fetcher, whose version is pinned.

*Back-pressure*: :class:`Backlog` stops draining while more than its limit is fetched and not yet stored; but for the
topic of alerts, since whoever tells people must hear that they still fire.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import faust
import uvloop
from aiokafka import TopicPartition
from aiokafka.consumer import consumer as consumers
from aiokafka.errors import (
    CommitFailedError,
    ConsumerStoppedError,
    IllegalGenerationError,
    IllegalStateError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from schemas.failures import Unavailable
from streams.batch import Partition, Position, RecordBatch
from streams.stages.offsets import Coordinator
from streams.stages.taking import take_all

COMMIT_TIMEOUT = 20.0
"""Seconds. After this the outcome of a commit is unknown, and has to be read again."""

_REFUSED = (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

_TRICKLE_RECORDS = 5_000
_TRICKLE_PAUSE = 0.04
"""A fetch costs the same for one record as for a thousand: when they trickle, let more gather first."""

_ROOM_SECONDS = 0.25
"""While there is no room: between two looks for alerts."""


consumers.GroupCoordinator = Coordinator  # a consumer makes its coordinator by this name, and takes no other


class Fenced(Exception):  # noqa: N818 - named after what happened
    """The group has moved on: these partitions may belong to another worker, and nothing of theirs may be written."""


class Delivery(NamedTuple):
    """A batch, and the epoch in which this worker was given its partition."""

    epoch: int
    batch: RecordBatch


class Backlog:
    """Bytes that are fetched and not yet stored, against a limit.

    It is counted for one epoch at a time: what a rebalance drops on its way through Faust is reported by nobody.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self._epoch = 0
        self._room = asyncio.Event()
        self._room.set()

    def start(self, epoch: int) -> None:
        """A new epoch: what was fetched before it will be fetched again, by whoever owns it."""
        self._epoch, self.bytes = epoch, 0
        self._room.set()

    def add(self, size: int) -> None:
        """``size`` bytes have come in the present epoch."""
        self.bytes += size
        if self.is_full:
            self._room.clear()

    def done(self, size: int, epoch: int) -> None:
        """``size`` bytes that came in ``epoch`` are stored."""
        if epoch != self._epoch:
            return
        self.bytes -= size
        if not self.is_full:
            self._room.set()

    def let_in(self) -> None:
        """Let more in though it is full: what is there waits for records that have not come yet."""
        self._room.set()

    @property
    def is_full(self) -> bool:
        """Whether fetching pauses."""
        return self.bytes >= self.limit

    @property
    def is_filling(self) -> bool:
        """Whether so much is buffered that what waits to be stored should wait no longer."""
        return self.bytes >= self.limit // 2

    async def room(self, seconds: float) -> bool:
        """Wait until there is room for more, but not longer than that; whether there is."""
        if not self._room.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._room.wait(), seconds)
        return self._room.is_set()


class _Thread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """aiokafka's consumer in its own thread and loop, which is uvloop's as that of the main thread is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, thread_loop=uvloop.new_event_loop(), **kwargs)
        self._close_thread_loop_on_stop = True  # mode leaves a loop that it is given to whoever made it
        self._passed: dict[TopicPartition, int] = {}

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust fixes these two; a mock broker holds an empty fetch for the whole wait, and transactions of
        # producers that were aborted must not be counted.
        consumer._fetch_max_wait_ms = 100
        consumer._isolation_level = "read_committed"
        return consumer

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109 - Faust's signature
        max_records: int | None = None,
    ) -> dict[TP, RecordBatch]:
        fetcher, passed = consumer._fetcher, self._passed
        if not self.consumer.flow_active:
            return {}
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError()
        with fetcher._subscriptions.fetch_context():
            if fetcher._subscriptions.reassignment_in_progress:
                await fetcher._subscriptions.wait_for_assignment()
            taken = take_all(fetcher, active_partitions, passed)
            if not taken and timeout:
                done, pending = await asyncio.wait([fetcher._create_fetch_waiter()], timeout=timeout)
                for waiter in pending:
                    waiter.cancel()
                for waiter in done:
                    waiter.result()
                taken = take_all(fetcher, active_partitions, passed)
            return taken

    async def commit_offsets(self, offsets: Mapping[Partition, tuple[int, str]], epoch: int) -> None:
        """Commit offsets with their metadata in one request; see :meth:`BatchConsumer.commit_offsets`."""
        await self.call_thread(self._commit_offsets, offsets, epoch)

    async def _commit_offsets(self, offsets: Mapping[Partition, tuple[int, str]], epoch: int) -> None:
        wanted = {TopicPartition(*at): OffsetAndMetadata(*offset) for at, offset in offsets.items()}
        consumer = self._ensure_consumer()
        try:
            async with asyncio.timeout(COMMIT_TIMEOUT):
                await consumer._coordinator.ensure_coordinator_known()
                # Here, where rebalances happen too, and without a wait before it is stamped with a generation.
                # aiokafka's own commit repeats a request for as long as it takes, and stamps it anew each time: what
                # was decided before a rebalance would be taken for a commit of the generation after it.
                self._check_member(consumer, wanted, epoch)
                await consumer._coordinator._do_commit_offsets(None, wanted)
        except _REFUSED as error:
            raise Fenced(f"the commit was refused: {error!r}") from error
        except (TimeoutError, KafkaError) as error:
            raise Unavailable(f"commit: {error!r}") from error

    def _check_member(self, consumer: Any, wanted: Iterable[TopicPartition], epoch: int) -> None:
        if epoch != self.consumer.epoch:
            raise Fenced("partitions were reassigned before the commit")
        if consumer._coordinator.generation < 0:  # Kafka takes that from anybody while a group has no members
            raise Fenced("this worker is not in the group")
        if not consumer.assignment().issuperset(wanted):
            raise Fenced("partitions are not assigned")

    async def committed(self, partitions: Iterable[Partition]) -> dict[Partition, tuple[int, str]]:
        """The committed offset and metadata of each partition that has one."""
        return await self.call_thread(self._committed, list(partitions))  # type: ignore[no-any-return]

    async def _committed(self, partitions: list[Partition]) -> dict[Partition, tuple[int, str]]:
        wanted = [TopicPartition(*at) for at in partitions]
        try:
            found = await asyncio.wait_for(
                self._ensure_consumer()._coordinator.fetch_committed_offsets(wanted), COMMIT_TIMEOUT
            )
        except (TimeoutError, KafkaError) as error:
            raise Unavailable(f"offset fetch: {error!r}") from error
        return {Partition(*at): (value.offset, value.metadata) for at, value in found.items() if value.offset >= 0}

    async def positions(self, partitions: Iterable[Partition]) -> dict[Partition, Position]:
        """See :meth:`BatchConsumer.positions`."""
        return await self.call_thread(self._positions, list(partitions))  # type: ignore[no-any-return]

    async def _positions(self, partitions: list[Partition]) -> dict[Partition, Position]:
        subscription = self._ensure_consumer()._subscription.subscription
        assignment = subscription.assignment if subscription else None
        found: dict[Partition, Position] = {}
        now_ms = time.time() * 1000  # as aiokafka notes it
        for at in partitions:
            state = assignment and assignment.tps and assignment.state_value(TopicPartition(*at))
            if state and state.has_valid_position and state.highwater is not None:
                found[at] = Position(state.position, state.highwater, max(now_ms - state.timestamp, 0.0) / 1000)
        return found


class BatchConsumer(driver.Consumer):  # type: ignore[misc]
    """Delivers batches, and leaves offsets to those who know when their records are stored."""

    epoch = 0
    """Goes up whenever partitions are revoked or assigned: work begun in an earlier epoch is void."""
    owned: frozenset[Partition] = frozenset()

    @property
    def backlog(self) -> Backlog:
        """What this worker has fetched and not yet stored."""
        return self.app.backlog  # type: ignore[no-any-return]

    def _new_consumer_thread(self) -> _Thread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        self._next_epoch(frozenset())
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        self._next_epoch(frozenset(Partition(tp.topic, tp.partition) for tp in assigned))
        await super().on_partitions_assigned(assigned, generation_id)

    def _next_epoch(self, owned: frozenset[Partition]) -> None:
        self.epoch += 1
        self.owned = owned
        self.backlog.start(self.epoch)

    async def _drain_messages(self, fetcher: Any) -> None:
        stopping = (self._stopped.is_set, fetcher._stopped.is_set)
        try:
            while not any(stop() for stop in stopping):
                records = await self._next_records()
                if not self.flow_active:
                    with suppress(IllegalStateError):  # the next rebalance has begun, and will seek again
                        await self.perform_seek()
                elif records:
                    await self._deliver(records)
                await asyncio.sleep(0)
        except (*self.consumer_stopped_errors, asyncio.CancelledError):
            if not self.transport.app.should_stop:
                raise

    async def _next_records(self) -> Mapping[TP, RecordBatch]:
        """What has been fetched; while there is no room for that, alerts alone."""
        if not self.flow_active or await self.backlog.room(_ROOM_SECONDS):
            records, _ = await self._wait_next_records(1.0)
            return records  # type: ignore[no-any-return]
        alerts = {tp for tp in self._get_active_partitions() if tp.topic == self.app.alerts_topic}
        return await self._getmany(alerts, 0.0) if alerts else {}

    async def _deliver(self, records: Mapping[TP, RecordBatch]) -> None:
        epoch, count = self.epoch, 0
        for tp, batch in records.items():
            if not self.flow_active or self.epoch != epoch:
                return
            count += len(batch.values)
            self.backlog.add(batch.size_bytes)
            await self.callback(self._message(tp, Delivery(epoch, batch)))
        if count < _TRICKLE_RECORDS:
            await asyncio.sleep(_TRICKLE_PAUSE)

    def _message(self, tp: TP, delivery: Delivery) -> ConsumerMessage:
        offset, generation = delivery.batch.next_offset - 1, self.app.consumer_generation_id
        return ConsumerMessage(
            tp.topic, tp.partition, offset, 0.0, 0, [], None, delivery, None, -1, -1, tp, generation_id=generation
        )

    def ack(self, message: Any) -> bool:
        """Faust is told nothing of progress: it would commit it."""
        message.acked = True
        self._unacked_messages.discard(message)
        return True

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Never: see the module."""
        return False

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's watchdog looks at commits that it does not make here; ``/readyz`` tells how the worker does."""

    async def commit_offsets(self, offsets: Mapping[Partition, tuple[int, str]], epoch: int) -> None:
        """Commit offsets with metadata, if ``epoch`` is still the present one.

        Raises :class:`Fenced` when it is not or the broker refuses, :class:`schemas.failures.Unavailable` when the
        outcome is unknown: it may or may not have been stored.
        """
        if epoch != self.epoch:
            raise Fenced("partitions were reassigned")
        await self._thread.commit_offsets(offsets, epoch)
        if epoch != self.epoch:
            raise Fenced("partitions were reassigned during the commit")

    async def committed(self, partitions: Iterable[Partition]) -> dict[Partition, tuple[int, str]]:
        """The committed offset and metadata of each partition that has one."""
        return await self._thread.committed(partitions)  # type: ignore[no-any-return]

    async def positions(self, partitions: Iterable[Partition]) -> dict[Partition, Position]:
        """How far each partition has been read, and where it ended when last fetched; others are left out."""
        return await self._thread.positions(partitions)  # type: ignore[no-any-return]


class BatchTransport(driver.Transport):  # type: ignore[misc]
    """Faust's aiokafka transport with a :class:`BatchConsumer`."""

    Consumer = BatchConsumer


class BatchApp(faust.App):  # type: ignore[misc]
    """A Faust app whose agents get a :class:`Delivery` where others get a record."""

    backlog: Backlog
    alerts_topic: str

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self, loop=self.loop)
