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
from streams.texts import Texts

_HEADER_BYTES, _COUNT, _MAGIC = 61, 57, 16
"""Of a record batch of magic 2: its header, in it the number of records, and the byte that says the magic."""

FEW_RECORDS = 150
"""Of a record batch with fewer, columns cost more than they save: publishers that do not wait write such."""

_LOG_APPEND_TIME = 1

_DECODERS = {
    DefaultRecordBatch.CODEC_NONE: bytes,
    DefaultRecordBatch.CODEC_GZIP: codec.gzip_decode,
    DefaultRecordBatch.CODEC_SNAPPY: codec.snappy_decode,
    DefaultRecordBatch.CODEC_LZ4: codec.lz4_decode,
    DefaultRecordBatch.CODEC_ZSTD: codec.zstd_decode,
}


class Fetched(_MemoryRecordsPy):  # type: ignore[misc]
    """What a fetch brought of a partition. aiokafka's own keeps the bytes to itself; this also gives them out."""

    def next_slice(self) -> tuple[memoryview, Any]:
        """The next record batch: its bytes, and aiokafka's view of it."""
        raw = self._next_slice
        return raw, self.next_batch()


class Unpacked(NamedTuple):
    """The records of one record batch, as columns. ``headers`` is None when none has any."""

    offsets: NDArray[np.int64]
    values: Texts
    timestamps: NDArray[np.int64]
    headers: Sequence[Headers] | None

    def since(self, offset: int) -> Self:
        """Those from an offset on: a fetch begins with the whole record batch that holds it."""
        skipped = int(np.searchsorted(self.offsets, offset))
        return self._replace(
            offsets=self.offsets[skipped:],
            values=self.values[skipped:],
            timestamps=self.timestamps[skipped:],
            headers=self.headers and self.headers[skipped:],
        )

    def each_headers(self) -> Sequence[Headers]:
        """Headers of each record."""
        return self.headers or [()] * len(self.offsets)


def unpacked(raw: memoryview, batch: Any, few: int = FEW_RECORDS) -> Unpacked:
    """All records of a record batch, control records too; one by one when there are fewer than ``few``."""
    count = int.from_bytes(raw[_COUNT:_HEADER_BYTES], "big")
    if raw[_MAGIC] >= 2 and count >= few:
        found = framed(_DECODERS[batch.compression_type](raw[_HEADER_BYTES:].tobytes()), count)
        if found is not None:
            appended = batch.timestamp_type == _LOG_APPEND_TIME
            first = batch.max_timestamp if appended else batch.first_timestamp
            timestamps = first + found.timestamp_deltas * (not appended)
            return Unpacked(batch.base_offset + found.offset_deltas, found.values, timestamps, None)
    return _one_by_one(list(batch))


def _one_by_one(records: Sequence[Any]) -> Unpacked:
    """Records as aiokafka reads them: those with headers, and of the formats before Kafka 0.11."""
    headers = [record.headers for record in records]
    return Unpacked(
        np.array([record.offset for record in records], dtype=np.int64),
        Texts.of([record.value for record in records]),
        np.array([-1 if record.timestamp is None else record.timestamp for record in records], dtype=np.int64),
        headers if any(headers) else None,
    )
