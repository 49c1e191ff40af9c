"""The embedded broker carries what Tidewatch needs of Kafka, to clients of both kinds."""

import multiprocessing
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from embedded.broker import Broker
from schemas.failures import Rejected


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker() as running:
        yield running


def test_a_topic_has_the_partitions_it_was_created_with(broker: Broker) -> None:
    """Not the four that a topic gets which is merely used."""
    broker.create_topic("metrics", 7)

    found = AdminClient({"bootstrap.servers": broker.bootstrap_servers}).list_topics(timeout=10).topics
    assert len(found["metrics"].partitions) == 7


def test_a_topic_cannot_be_created_twice(broker: Broker) -> None:
    broker.create_topic("metrics", 1)

    with pytest.raises(Rejected, match="metrics"):
        broker.create_topic("metrics", 1)


def test_a_stopped_broker_creates_nothing() -> None:
    with Broker() as broker:
        pass

    with pytest.raises(Rejected, match="not running"):
        broker.create_topic("metrics", 1)


async def test_a_group_resumes_at_the_offset_and_metadata_it_committed(broker: Broker) -> None:
    """What the declare and acknowledge protocol rests on: offset and metadata survive the consumer that wrote them."""
    broker.create_topic("metrics", 2)
    partition = TopicPartition("metrics", 1)
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers) as producer:
        for value in (b"one", b"two", b"three"):
            await producer.send_and_wait("metrics", value, partition=1)

    async with _member(broker) as first:
        records = [await first.getone() for _ in range(2)]
        await first.commit({partition: (2, "1:2-2")})
    async with _member(broker) as second:
        records.append(await second.getone())
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    await admin.start()
    committed = await admin.list_consumer_group_offsets("tidewatch", partitions=[partition])
    await admin.close()

    assert [record.value for record in records] == [b"one", b"two", b"three"]
    assert tuple(committed[partition])[:2] == (2, "1:2-2")


async def test_records_of_another_process_arrive(broker: Broker) -> None:
    """The port is a real one: the demo's publisher is a process of its own."""
    broker.create_topic("metrics", 1)
    publisher = multiprocessing.get_context("spawn").Process(target=_publish, args=(broker.bootstrap_servers,))
    publisher.start()

    async with _member(broker) as consumer:
        record = await consumer.getone()
    publisher.join()

    assert (record.value, publisher.exitcode) == (b"from afar", 0)


def _member(broker: Broker) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        "metrics",
        bootstrap_servers=broker.bootstrap_servers,
        group_id="tidewatch",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=50,
        session_timeout_ms=1500,  # the second member of a group waits for this less a second
        heartbeat_interval_ms=500,
    )


def _publish(bootstrap_servers: str) -> None:
    producer = Producer({"bootstrap.servers": bootstrap_servers, "enable.idempotence": True})
    producer.produce("metrics", b"from afar")
    producer.flush(10)
