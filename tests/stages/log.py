"""A topic that a stage reads and writes, and the offsets of its group. Stands for Kafka."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from streams.batch import Partition, RecordBatch
from streams.stages.transport import Backlog, Delivery


class Stored(NamedTuple):
    offset: int


class Log:
    """Producer and consumer in one. What is written to the topic of ``own`` is offered to the stage at once."""

    def __init__(self, own: Partition, now_ms: Callable[[], int]) -> None:
        self.own, self.now_ms = own, now_ms
        self.epoch, self.owned, self.backlog = 1, frozenset({own}), Backlog(10**9)
        self.backlog.start(self.epoch)
        self.offsets: Counter[str] = Counter()
        self.sent: list[tuple[str, bytes]] = []
        """Topic and value of all that was written."""
        self.committed_at: Mapping[Partition, tuple[int, str]] = {}
        self.offer: Callable[[Delivery], Any]

    async def send(self, topic: str, value: bytes, key: bytes = b"", partition: int = 0) -> "asyncio.Future[Stored]":
        offset = self.offsets[topic]
        self.offsets[topic] += 1
        self.sent.append((topic, value))
        if topic == self.own.topic:
            batch = RecordBatch(self.own, [offset], [value], None, [self.now_ms()], offset + 1)
            self.backlog.add(batch.size_bytes)
            await self.offer(Delivery(self.epoch, batch))
        stored: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        stored.set_result(Stored(offset))
        return stored

    async def committed(self, _: Any) -> Mapping[Partition, tuple[int, str]]:
        return self.committed_at

    async def commit_offsets(self, offsets: Mapping[Partition, tuple[int, str]], _: int) -> None:
        self.committed_at = offsets
