"""Record batches as aiokafka fetched them become columns of records."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from aiokafka import codec
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.memory_records import _MemoryRecordsPy
from numpy.typing import NDArray

from streams.batch import Headers
from streams.ingest.framing import framed
from streams.texts import Texts, joined

_HEADER_BYTES, _COUNT, _MAGIC = 61, 57, 16
"""Of a record batch of magic 2: its header, in it the number of records, and the byte that says the magic."""

FEW_RECORDS = 150
"""With fewer, columns cost more than they save."""

_LOG_APPEND_TIME = 1

_DECODERS = {
    DefaultRecordBatch.CODEC_NONE: bytes,
    DefaultRecordBatch.CODEC_GZIP: codec.gzip_decode,
    DefaultRecordBatch.CODEC_SNAPPY: codec.snappy_decode,
    DefaultRecordBatch.CODEC_LZ4: codec.lz4_decode,
    DefaultRecordBatch.CODEC_ZSTD: codec.zstd_decode,
}


Slice = tuple[memoryview, Any]
"""A record batch: its bytes, and aiokafka's view of it."""


class Fetched(_MemoryRecordsPy):  # type: ignore[misc]
    """What a fetch brought of a partition. aiokafka's own keeps the bytes to itself; this also gives them out."""

    def next_slice(self) -> Slice:
        """The next record batch."""
        raw = self._next_slice
        return raw, self.next_batch()


class Unpacked(NamedTuple):
    """Records as columns. ``headers`` is None when none has any."""

    offsets: NDArray[np.int64]
    values: Texts
    timestamps: NDArray[np.int64]
    headers: Sequence[Headers] | None

    def since(self, offset: int) -> Self:
        """Those from an offset on: a fetch begins with the whole record batch that holds it."""
        skipped = int(np.searchsorted(self.offsets, offset))
        if not skipped:
            return self
        return self._replace(
            offsets=self.offsets[skipped:],
            values=self.values[skipped:],
            timestamps=self.timestamps[skipped:],
            headers=self.headers and self.headers[skipped:],
        )

    def each_headers(self) -> Sequence[Headers]:
        """Headers of each record."""
        return self.headers or [()] * len(self.offsets)


def records_of(raw: memoryview) -> int:
    """How many records a record batch says that it has; those of the old formats do not say, and count as one."""
    return int.from_bytes(raw[_COUNT:_HEADER_BYTES], "big") if raw[_MAGIC] >= 2 else 1


def unpacked(slices: Sequence[Slice], few: int = FEW_RECORDS) -> Unpacked:
    """All records of consecutive record batches, of control ones too; one by one when there are fewer than ``few``.

    They are read as one: publishers that do not wait write batches of some records, and columns of those cost too much.
    """
    counts = [records_of(raw) for raw, _ in slices]
    if sum(counts) >= few and all(raw[_MAGIC] >= 2 for raw, _ in slices):
        found = _by_columns(slices, np.array(counts))
        if found is not None:
            return found
        if len(slices) > 1:
            return _concatenated([unpacked([each], few) for each in slices])
    return _one_by_one([record for _, batch in slices for record in batch])


def _by_columns(slices: Sequence[Slice], counts: NDArray[np.int64]) -> Unpacked | None:
    """None when there are headers, or something is oddly written."""
    texts = [_DECODERS[batch.compression_type](raw[_HEADER_BYTES:].tobytes()) for raw, batch in slices]
    found = framed(b"".join(texts), int(counts.sum()))
    if found is None:
        return None
    borders = np.cumsum([len(text) for text in texts])
    if (np.searchsorted(found.values.starts, borders) != np.cumsum(counts)).any():
        return None  # together they have as many records as they say, but not each of them
    heads = np.array([_head(batch) for _, batch in slices])
    base, first, counting = heads.repeat(counts, axis=0).T
    return Unpacked(base + found.offset_deltas, found.values, first + found.timestamp_deltas * counting, None)


def _head(batch: Any) -> tuple[int, int, int]:
    """Offset and time of the first record, and whether (1 or 0) the others have times of their own."""
    if batch.timestamp_type == _LOG_APPEND_TIME:
        return batch.base_offset, batch.max_timestamp, 0
    return batch.base_offset, batch.first_timestamp, 1


def _one_by_one(records: Sequence[Any]) -> Unpacked:
    """Records as aiokafka reads them: those with headers, and of the formats before Kafka 0.11."""
    headers = [record.headers for record in records]
    return Unpacked(
        np.array([record.offset for record in records], dtype=np.int64),
        Texts.of([record.value for record in records]),
        np.array([-1 if record.timestamp is None else record.timestamp for record in records], dtype=np.int64),
        headers if any(headers) else None,
    )


def _concatenated(parts: Sequence[Unpacked]) -> Unpacked:
    headers = [each for part in parts for each in part.each_headers()]
    return Unpacked(
        np.concatenate([part.offsets for part in parts]),
        joined([part.values for part in parts]),
        np.concatenate([part.timestamps for part in parts]),
        headers if any(part.headers for part in parts) else None,
    )
