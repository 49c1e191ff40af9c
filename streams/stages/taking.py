"""What aiokafka has fetched is taken, of all partitions at once and as columns. It reaches into its fetcher."""

import sys
from dataclasses import replace
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer import fetcher as fetching
from aiokafka.consumer.fetcher import Fetcher, FetchError, FetchResult
from aiokafka.errors import KafkaError
from faust.types import TP

from streams.batch import Partition, RecordBatch
from streams.stages.unpacking import Fetched, Slice, records_of, unpacked

_UNPACKED_RECORDS = 10_000
"""Of a partition at a time, and whole record batches: compressed records may take ten times the room once unpacked."""


fetching.MemoryRecords = Fetched  # the fetcher makes what it fetched by this name, and takes no other


def take_all(fetcher: Fetcher, active: set[TP], passed: dict[TopicPartition, int]) -> dict[TP, RecordBatch]:
    """Everything fetched of the active partitions. ``passed``: where fetches began that held nothing to deliver."""
    taken: dict[TP, RecordBatch] = {}
    for tp in list(fetcher._records):
        if active is not None and tp not in active:
            if not fetcher._subscriptions.is_assigned(tp):
                del fetcher._records[tp]
            continue
        result = fetcher._records.pop(tp)
        fetcher._notify(fetcher._wait_consume_future)
        try:
            batch = _take(fetcher, tp, result, passed)
        except KafkaError as error:
            if not taken:
                raise
            _put_first(fetcher, tp, FetchError(error=error, backoff=0.0))  # raised when nothing is lost by it
        else:
            if batch is not None:
                taken[TP(tp.topic, tp.partition)] = batch
    return taken


def _take(
    fetcher: Fetcher, tp: TopicPartition, result: FetchResult | FetchError, passed: dict[TopicPartition, int]
) -> RecordBatch | None:
    if not isinstance(result, FetchResult):
        result.check_raise()
    elif result.check_assignment(tp) and result.has_more():
        begins = min(passed.get(tp, sys.maxsize), result._partition_records.next_fetch_offset)
        batch = unpack(tp, result)
        if has_more(result):
            fetcher._records[tp] = result
        else:
            # Which refers to what refers to it: the bytes of the fetch would stay until the collector comes by.
            result._partition_records._records_iterator = None
        if batch is not None:
            passed.pop(tp, None)
            return replace(batch, begins=begins)
        passed[tp] = begins
    return None


def _put_first(fetcher: Fetcher, tp: TopicPartition, error: FetchError) -> None:
    """What is taken first by the next call."""
    others = dict(fetcher._records)
    fetcher._records.clear()
    fetcher._records.update({tp: error, **others})


def has_more(result: FetchResult) -> bool:
    """Whether some of a fetch is still to be unpacked."""
    return bool(result._partition_records._records.has_next())


def unpack(tp: TopicPartition, result: FetchResult) -> RecordBatch | None:
    """The next records of one fetch, as columns; None when it has no more but control records or aborted ones."""
    source = result._partition_records
    begins = source.next_fetch_offset
    slices: list[Slice] = []
    count = 0
    while has_more(result) and count < _UNPACKED_RECORDS:
        raw, batch = source._records.next_slice()
        if source._check_crcs and not batch.validate_crc():
            raise KafkaError(f"damaged record batch in {tp}")
        if records_of(raw) and not _skipped(source, batch):
            slices.append((raw, batch))
            count += records_of(raw)
        source.next_fetch_offset = batch.next_offset
    next_offset = source.next_fetch_offset
    result._assignment.state_value(tp).consumed_to(next_offset)
    found = unpacked(slices).since(begins)
    offsets = found.offsets
    if not len(offsets):
        return None
    contiguous = int(offsets[-1] - offsets[0]) + 1 == len(offsets)
    return RecordBatch(
        Partition(tp.topic, tp.partition),
        range(int(offsets[0]), int(offsets[-1]) + 1) if contiguous else offsets.tolist(),
        found.values,
        found.headers,
        found.timestamps,
        next_offset,
    )


def _skipped(source: Any, batch: Any) -> bool:
    """True for control batches and for records of transactions that were aborted."""
    if batch.producer_id is not None:
        source._consume_aborted_up_to(batch.base_offset)
        if batch.is_control_batch and source._contains_abort_marker(batch):
            source._aborted_producers.discard(batch.producer_id)
    return batch.is_control_batch or (batch.is_transactional and batch.producer_id in source._aborted_producers)
