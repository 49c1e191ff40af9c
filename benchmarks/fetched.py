"""What a fetch brings of a partition, made without a broker: real record batches in aiokafka's own classes."""

import asyncio
from collections.abc import Iterable, Sequence

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from benchmarks import events
from streams.batch import RecordBatch
from streams.stages.taking import has_more, unpack
from streams.stages.unpacking import Fetched

TOPIC = "metrics"
_PER_BATCH = 3_800
"""Records of about 270 bytes in the 1 MB of a record batch."""


def partitions(count: int) -> list[list[bytes]]:
    """The records of ``count`` events, by partition."""
    found: list[list[bytes]] = [[] for _ in range(events.PARTITIONS)]
    for chunk in events.chunks(count):
        for partition, record in zip(chunk.partitions.tolist(), chunk.records, strict=True):
            found[partition].append(record)
    return found


def wire(records: Sequence[bytes], codec: int = DefaultRecordBatch.CODEC_ZSTD) -> bytes:
    """Records as a broker sends them."""
    sent = bytearray()
    for first in range(0, len(records), _PER_BATCH):
        builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 30)
        for offset, record in enumerate(records[first : first + _PER_BATCH]):
            builder.append(offset, 1_795_342_530_125, None, record, [])
        batch = builder.build()
        batch[:8] = first.to_bytes(8, "big")
        sent += batch
    return bytes(sent)


def fetches(sent: Sequence[bytes]) -> list[tuple[TopicPartition, FetchResult]]:
    """Each partition's bytes as they wait in the consumer for the transport to take them."""
    return asyncio.run(_fetches(sent))


async def _fetches(sent: Sequence[bytes]) -> list[tuple[TopicPartition, FetchResult]]:
    """aiokafka's classes want a running event loop."""
    return [_fetch(TopicPartition(TOPIC, number), data) for number, data in enumerate(sent)]


def _fetch(tp: TopicPartition, data: bytes) -> tuple[TopicPartition, FetchResult]:
    subscription = SubscriptionState()
    subscription.assign_from_user([tp])
    assignment = subscription.subscription.assignment
    assignment.state_value(tp).reset_to(0)
    records = PartitionRecords(tp, Fetched(data), [], 0, None, None, True, "read_committed")
    return tp, FetchResult(tp, assignment=assignment, partition_records=records, backoff=0)


def unpacked(fetches: Iterable[tuple[TopicPartition, FetchResult]]) -> list[RecordBatch]:
    """All that the transport takes of fetches."""
    found: list[RecordBatch] = []
    for tp, result in fetches:
        while has_more(result):
            batch = unpack(tp, result)
            found += [batch] if batch is not None else []
    return found
