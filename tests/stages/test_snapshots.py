"""Snapshots are read from a real Kafka as they were stored there."""

from aiokafka import AIOKafkaProducer

from schemas.config import Config, Kafka, Topics
from streams.stages import snapshots


async def test_what_was_stored_is_read_and_reading_nothing_ends_well(kafka: str) -> None:
    """A reader that is stopped at once used to look like a cancellation, which ended the worker."""
    config = Config(kafka=Kafka(bootstrap_servers=[kafka]), topics=Topics(snapshots="snapshots-read"))
    packed = [b"small", b"large" * 300_000]
    async with AIOKafkaProducer(bootstrap_servers=kafka, max_request_size=2_000_000) as producer:
        located = [await snapshots.store(producer, config.topics.snapshots, 0, each) for each in packed]

    assert await snapshots.read_all(config, 0, located) == packed
    assert await snapshots.read_all(config, 0, []) == []
