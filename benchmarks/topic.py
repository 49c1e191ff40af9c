"""Fills a topic with a run's events, before any clock starts."""

from confluent_kafka import Producer

from benchmarks import events
from benchmarks.truth import Truth, truth
from tests.servers.kafka import create_topic


def fill(bootstrap_servers: str, name: str, count: int, compression: str, seed: int = 1) -> Truth:
    """Create ``name`` with ``count`` events in :data:`benchmarks.events.PARTITIONS` partitions; what they amount to.

    Record batches are as large as a busy publisher's: up to 1 MB, or what comes within 50 ms.
    """
    create_topic(bootstrap_servers, name, events.PARTITIONS)
    producer = Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "compression.type": compression,
            "linger.ms": 50,
            "queue.buffering.max.messages": 1_000_000,
            "enable.idempotence": True,
            "log_level": 3,
        }
    )
    kept: list[events.Chunk] = []
    for chunk in events.chunks(count, seed):
        for record, key, partition in zip(chunk.records, chunk.keys, chunk.partitions.tolist(), strict=True):
            producer.produce(name, record, key, partition=partition)
        producer.flush()
        kept.append(chunk._replace(records=[], keys=[]))
    return truth(kept)
