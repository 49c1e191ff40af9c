"""Shards in Kafka: closed windows are written once, and a successor goes on with all of it."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from aiokafka.errors import OffsetOutOfRangeError
from prometheus_client import CollectorRegistry

from schemas.config import Config
from streams.batch import Partition
from streams.stages.shards import KeptShards
from streams.telemetry.metrics import Metrics
from tests.windows.story import BEFORE, records
from tests.windows.test_shard import Seen, run, shard

AT = Partition("panes", 0)


class Log:
    """The topic of snapshots: its records, for a producer and for a reader."""

    def __init__(self) -> None:
        self.records: dict[int, list[bytes]] = defaultdict(list)
        self.begin = 0

    async def send(self, topic: str, value: bytes, partition: int) -> Any:
        self.records[partition].append(value)
        done = asyncio.get_running_loop().create_future()
        done.set_result(type("Stored", (), {"offset": len(self.records[partition]) - 1}))
        return done


class Reader:
    def __init__(self, log: Log) -> None:
        self.log = log

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def assign(self, partitions: list[Any]) -> None:
        self.partition = partitions[0].partition

    def seek(self, _: Any, offset: int) -> None:
        self.offset = offset

    async def getone(self) -> Any:
        if self.offset < self.log.begin:
            raise OffsetOutOfRangeError
        value = self.log.records[self.partition][self.offset]
        self.offset += 1
        return type("Record", (), {"value": value})


@pytest.fixture
def log() -> Iterator[Log]:
    made = Log()
    with patch("streams.stages.snapshots.AIOKafkaConsumer", lambda **_: Reader(made)):
        yield made


def kept(log: Log) -> KeptShards:
    return KeptShards(Config(), log, shard, Metrics(CollectorRegistry()))


def test_a_window_that_has_closed_is_written_with_one_snapshot_only(log: Log) -> None:
    state, keeper = shard(), kept(log)
    run(records()[:BEFORE], state)

    asyncio.run(keeper.keep(AT, state))
    first = len(log.records[0])
    asyncio.run(keeper.keep(AT, state))

    assert state.packed()
    assert (first, len(log.records[0])) == (2, 3)


def test_a_successor_goes_on_with_windows_of_several_bundles_and_writes_none_again(log: Log) -> None:
    state, seen, keeper = shard(), Seen(), kept(log)
    run(records()[:BEFORE], state, seen)
    asyncio.run(keeper.keep(AT, state))
    run(records()[BEFORE:-2], state, seen, BEFORE)
    metadata = asyncio.run(keeper.keep(AT, state))
    written = len(log.records[0])

    successor = kept(log)
    taken_up, rest = asyncio.run(successor.take_up(AT, metadata)), Seen()
    assert taken_up.packed() == state.packed()
    asyncio.run(successor.keep(AT, taken_up))
    assert len(log.records[0]) == written + 1

    undisturbed = Seen()
    run(records()[-2:], state, undisturbed, len(records()) - 2)
    run(records()[-2:], taken_up, rest, len(records()) - 2)
    assert rest.rows == undisturbed.rows
    assert rest.rows


def test_when_the_topic_has_lost_the_snapshot_the_windows_begin_anew(log: Log) -> None:
    state, keeper = shard(), kept(log)
    run(records()[:BEFORE], state)
    metadata = asyncio.run(keeper.keep(AT, state))
    log.begin = 100

    assert asyncio.run(kept(log).take_up(AT, metadata)).tenants == {}
