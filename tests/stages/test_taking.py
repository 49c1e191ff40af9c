"""What a real Kafka sends besides whole records: marks of transactions, records of broken-off ones, damaged batches."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from faust.types import TP

from streams.batch import RecordBatch
from streams.stages.taking import take_all
from streams.stages.unpacking import Fetched


@asynccontextmanager
async def topic(bootstrap: str, name: str, partitions: int) -> AsyncIterator[list[TopicPartition]]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, 1)])
        yield [TopicPartition(name, number) for number in range(partitions)]
    finally:
        await admin.close()


@asynccontextmanager
async def reader(bootstrap: str, partitions: list[TopicPartition]) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, auto_offset_reset="earliest", isolation_level="read_committed"
    )
    await consumer.start()
    try:
        consumer.assign(partitions)
        yield consumer
    finally:
        await consumer.stop()


async def fetched(consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> None:
    """Until something has come of each of them."""
    async with asyncio.timeout(60):
        while not consumer._fetcher._records.keys() >= set(partitions):  # noqa: ASYNC110 - aiokafka's thing
            await asyncio.sleep(0.05)


def taken(consumer: AIOKafkaConsumer, passed: dict[TopicPartition, int]) -> dict[TP, RecordBatch]:
    return take_all(consumer._fetcher, {TP(*at) for at in consumer.assignment()}, passed)


async def test_records_of_a_transaction_that_was_broken_off_are_not_there_and_its_marks_are_no_gap(kafka: str) -> None:
    async with topic(kafka, "transactions", 1) as [at]:
        producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id="transactions")
        await producer.start()
        for value, kept in ((b"one", True), (b"never", False), (b"two", True)):
            await producer.begin_transaction()
            for _ in range(2):
                await producer.send_and_wait(at.topic, value, partition=at.partition)
            await (producer.commit_transaction() if kept else producer.abort_transaction())
        await producer.stop()

        passed: dict[TopicPartition, int] = {}
        found: list[RecordBatch] = []
        async with reader(kafka, [at]) as consumer, asyncio.timeout(60):
            while not found or found[-1].next_offset < 9:
                await fetched(consumer, [at])
                found += taken(consumer, passed).values()

    assert [(offset, value) for batch in found for offset, value in zip(batch.offsets, batch.values, strict=True)] == [
        (0, b"one"),
        (1, b"one"),  # 2 is the mark of its end; 3, 4 and 5 are of the one that was broken off
        (6, b"two"),
        (7, b"two"),
    ]
    assert [batch.begins for batch in found[1:]] == [batch.next_offset for batch in found[:-1]]


async def test_a_damaged_batch_is_told_and_costs_no_record_of_other_partitions(kafka: str) -> None:
    """Whatever is taken is passed on at once: Kafka would not send it again."""
    async with topic(kafka, "damaged", 2) as partitions, reader(kafka, partitions) as consumer:
        producer = AIOKafkaProducer(bootstrap_servers=kafka)
        await producer.start()
        for at in partitions:
            await producer.send_and_wait(at.topic, b"whole", partition=at.partition)
        await fetched(consumer, partitions)
        whole, damaged = consumer._fetcher._records  # in the order in which they are taken
        records = consumer._fetcher._records[damaged]._partition_records
        written = bytes(records._records.next_slice()[0])
        records._records = Fetched(written[:-1] + b"?")

        first = taken(consumer, {})
        await producer.send_and_wait(whole.topic, b"more", partition=whole.partition)
        await producer.stop()
        await fetched(consumer, [whole])
        with pytest.raises(KafkaError, match=f"damaged.*{damaged.partition}"):
            taken(consumer, {})
        await fetched(consumer, partitions)
        again = taken(consumer, {})

    assert [list(batch.values) for batch in first.values()] == [[b"whole"]]
    assert list(first) == [TP(*whole)]
    assert {at: list(batch.values) for at, batch in again.items()} == {TP(*whole): [b"more"], TP(*damaged): [b"whole"]}


async def test_the_bytes_of_a_fetch_go_when_its_records_are_taken_and_not_when_the_collector_comes(kafka: str) -> None:
    """aiokafka ties each fetch into a cycle; while catching up they were megabytes each, and none went for minutes."""
    async with topic(kafka, "let-go", 1) as [at]:
        producer = AIOKafkaProducer(bootstrap_servers=kafka)
        await producer.start()
        await producer.send_and_wait(at.topic, b"one", partition=at.partition)
        await producer.stop()

        gc.disable()
        try:
            async with reader(kafka, [at]) as consumer:
                await fetched(consumer, [at])
                records = weakref.ref(consumer._fetcher._records[at]._partition_records._records)
                assert taken(consumer, {})
                assert records() is None
        finally:
            gc.enable()
