"""A Kafka as its group protocol is: logs, committed offsets, and commits fenced by generation alone."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from aiokafka.errors import RequestTimedOutError

from schemas.failures import Unavailable
from streams.batch import Partition, Position, RecordBatch
from streams.stages.transport import Backlog, BatchConsumer, Delivery, Fenced
from tests.model.world import SESSION, Process, World

Offsets = Mapping[Partition, tuple[int, str]]


class Stored(NamedTuple):
    """What a producer learns of a record."""

    offset: int


class Broker:
    """Logs and one consumer group. ``audit`` sees every commit before it is stored."""

    def __init__(self, world: World, partitions: Iterable[Partition], audit: Callable[[Offsets], None]) -> None:
        self.world = world
        self.partitions = sorted(partitions)
        self.audit = audit
        self.logs: dict[Partition, list[bytes]] = defaultdict(list)
        self.committed: dict[Partition, tuple[int, str]] = {}
        self.generation = 0
        self.members: list[Consumer] = []
        self.changed = asyncio.Event()

    def append(self, at: Partition, value: bytes) -> Stored:
        self.logs[at].append(value)
        return Stored(len(self.logs[at]) - 1)

    def commit(self, offsets: Offsets, generation: int) -> None:
        """Stores offsets of whatever partitions, as long as the generation is the present one."""
        if generation != self.generation:
            self.world.met["commit fenced"] += 1
            raise Fenced("the generation has passed")
        self.audit(offsets)
        self.committed.update(offsets)

    def join(self, member: "Consumer") -> None:
        if member not in self.members:
            self.members.append(member)
        self.changed.set()

    def leave(self, member: "Consumer") -> None:
        """It said so, or was silent for too long."""
        if member in self.members:
            self.members.remove(member)
            self.changed.set()

    async def run(self) -> None:
        """Rebalance whenever members come or go: everyone gives everything up before anyone gets anything."""
        while True:
            await self.changed.wait()
            self.changed.clear()
            for member in self.members:
                if member.process.responsive:
                    member.revoked()
            await self.world.delay()
            self.members = [member for member in self.members if member.process.responsive]
            self.generation += 1
            for number, member in enumerate(self.members):
                mine = frozenset(self.partitions[number :: len(self.members)])
                member.sync(self.generation, mine)


class Consumer:
    """One member of the group. What decides about epochs is :class:`BatchConsumer`'s own code."""

    commit_offsets = BatchConsumer.commit_offsets
    committed = BatchConsumer.committed
    positions = BatchConsumer.positions
    _next_epoch = BatchConsumer._next_epoch

    def __init__(self, world: World, process: Process, broker: Broker, take: Callable[[Delivery], None]) -> None:
        self.world = world
        self.process = process
        self.broker = broker
        self.take = take
        self.epoch = 0
        self.owned: frozenset[Partition] = frozenset()
        self.generation = -1
        self.backlog = Backlog(10**9)
        self._thread = _Thread(self)
        self._tasks: set[asyncio.Task[None]] = set()

    def revoked(self) -> None:
        self._next_epoch(frozenset())

    def sync(self, generation: int, mine: frozenset[Partition]) -> None:
        """What the group decided is on its way."""
        self._start(self._sync(generation, mine))

    async def rejoin(self) -> None:
        """After a while a member that was frozen learns that the group went on without it."""
        await self.process.running()
        await self.world.delay()
        await self.process.running()
        if self not in self.broker.members:
            self.revoked()
            self.broker.join(self)

    def expire(self) -> None:
        """The group has heard nothing for a whole session."""
        if not self.process.responsive:
            self.broker.leave(self)

    async def _sync(self, generation: int, mine: frozenset[Partition]) -> None:
        await self.world.delay()
        await self.process.running()
        if generation == self.broker.generation:
            self.generation = generation
            self._next_epoch(mine)
            for at in sorted(mine):
                self._start(self._fetch(at, self.epoch, self.broker.committed.get(at, (0, ""))[0]))
        elif self not in self.broker.members:
            await self.rejoin()

    async def _fetch(self, at: Partition, epoch: int, position: int) -> None:
        choose, log = self.world.random, self.broker.logs[at]
        while self.epoch == epoch:
            await asyncio.sleep(choose.uniform(0.005, 0.1))
            await self.process.running()
            values = log[position : position + choose.randint(1, 6)]
            if values and self.epoch == epoch:
                offsets = range(position, position + len(values))
                batch = RecordBatch(at, offsets, values, None, [0] * len(values), offsets.stop)
                self.backlog.add(batch.size_bytes)
                self.take(Delivery(epoch, batch))
                position = offsets.stop if choose.random() < 0.9 else choose.randint(offsets.start, offsets.stop)

    def _start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Thread:
    """Stands for aiokafka's consumer in its own thread."""

    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer

    async def commit_offsets(self, offsets: Offsets, epoch: int) -> None:
        me = self.consumer
        await me.world.delay()  # into the thread, and until the coordinator is known
        await me.process.running()
        if epoch != me.epoch:
            raise Fenced("reassigned before the commit")
        if not set(offsets) <= me.owned:
            raise Fenced("not assigned")
        generation = me.generation  # stamped when it is sent, whatever it was when the caller decided
        lost = Unavailable("commit: no answer")
        await me.world.request(me.process, "commit", lambda: me.broker.commit(dict(offsets), generation), lost)

    async def committed(self, partitions: Iterable[Partition]) -> dict[Partition, tuple[int, str]]:
        me, wanted = self.consumer, list(partitions)

        def read() -> dict[Partition, tuple[int, str]]:
            return {at: me.broker.committed[at] for at in wanted if at in me.broker.committed}

        return await me.world.request(me.process, "offset fetch", read, Unavailable("no answer"))

    async def positions(self, partitions: Iterable[Partition]) -> dict[Partition, Position]:
        return {}


class Producer:
    """Idempotent: in order, and after a failure nothing that was sent behind it arrives."""

    def __init__(self, world: World, process: Process, broker: Broker) -> None:
        self.world = world
        self.process = process
        self.broker = broker
        self._last: dict[Partition, asyncio.Future[Stored]] = {}

    async def partitions_for(self, topic: str) -> set[int]:
        return {0}

    async def send(
        self, topic: str, value: bytes, key: bytes | None = None, partition: int = 0, headers: Any = None
    ) -> "asyncio.Future[Stored]":
        await self.process.running()
        at = Partition(topic, partition)
        before = self._last.get(at)
        sent = asyncio.ensure_future(self._send(at, value, None if before is None or before.done() else before))
        sent.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._last[at] = sent
        return sent

    async def _send(self, at: Partition, value: bytes, before: "asyncio.Future[Stored] | None") -> Stored:
        if before is not None:
            await asyncio.shield(before)
        lost = RequestTimedOutError()
        return await self.world.request(
            self.process, f"send to {at.topic}", lambda: self.broker.append(at, value), lost
        )


class Reader:
    """Stands for the ``AIOKafkaConsumer`` that reads a snapshot."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def assign(self, partitions: list[Any]) -> None:
        self.at = Partition(partitions[0].topic, partitions[0].partition)

    def seek(self, partition: Any, offset: int) -> None:
        self.offset = offset

    async def getone(self) -> Any:
        value = self.broker.logs[self.at][self.offset]
        self.offset += 1
        return type("Record", (), {"value": value})


def expire_after_session(member: Consumer) -> None:
    """Call when a member falls silent."""
    asyncio.get_running_loop().call_later(SESSION, member.expire)
