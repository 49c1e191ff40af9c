"""Exactly once by declaring: what is committed before a batch is written, and what a successor makes of it.

Before a batch is written, ``(first, last, wall clock)`` is committed as the partition's offset and metadata, and anew
whenever it has grown; the declaration of the next one acknowledges it. A worker that takes over cuts its first batch at
the declared offsets and repeats it with the declared clock, so that it gives the same deltas, and the same rows under
the same token. See docs/exactly-once.md.
"""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from streams.batch import Partition, RecordBatch
from streams.texts import joined

_VERSION = "2"
_READABLE = ("1", _VERSION)
"""Version 1 knew no batches that grow."""


class Declared(NamedTuple):
    """A batch that may or may not have been written."""

    first: int
    """The offset that is committed with it. Its record may be gone from the topic since."""
    last: int
    wall_ms: int
    before: tuple[int, ...] = ()
    """Last offsets of its parts before the last one: each was folded by itself."""

    def grown(self, last: int) -> "Declared":
        """With one more part, which ends at ``last``."""
        return Declared(self.first, last, self.wall_ms, (*self.before, self.last))

    def cuts(self) -> tuple[int, ...]:
        """The last offset of each part."""
        return (*self.before, self.last)

    def metadata(self) -> str:
        """The text that is committed with the batch's first offset."""
        return ",".join(map(str, (_VERSION, self.last, self.wall_ms, *self.before)))


def declared(offset: int, metadata: str) -> Declared | None:
    """What a commit declares; None when it declares nothing. ValueError when its metadata cannot be understood."""
    if not metadata:
        return None
    version, *rest = metadata.split(",")
    if version not in _READABLE or len(rest) < 2:
        raise ValueError(f"offset metadata {metadata!r} was written by a version of Tidewatch this one does not know")
    last, wall_ms, *before = map(int, rest)
    return Declared(offset, last, wall_ms, tuple(before))


def token(pipeline: str, incarnation: str, partition: Partition, first: int, last: int, table: str) -> str:
    """The deduplication token of a batch's rows in one table."""
    return f"{pipeline}/{incarnation}/{partition.topic}/{partition.number}/{first}-{last}/{table}"


def join(batches: Sequence[RecordBatch]) -> RecordBatch:
    """Consecutive batches of one partition as one."""
    if len(batches) == 1:
        return batches[0]
    offsets: Sequence[int] = range(batches[0].offsets[0], batches[-1].offsets[-1] + 1)
    if len(offsets) > sum(len(batch.values) for batch in batches):
        offsets = list(chain.from_iterable(batch.offsets for batch in batches))
    values = joined([batch.values for batch in batches])
    headers = None
    if any(batch.headers for batch in batches):
        headers = list(chain.from_iterable(batch.headers or [()] * len(batch.values) for batch in batches))
    timestamps = np.concatenate([batch.timestamps for batch in batches])
    size = sum(batch.size_bytes for batch in batches)
    first, last = batches[0], batches[-1]
    return RecordBatch(first.partition, offsets, values, headers, timestamps, last.next_offset, size, first.begins)


def split(batch: RecordBatch, count: int) -> tuple[RecordBatch, RecordBatch | None]:
    """The first ``count`` records, and the rest."""
    if count >= len(batch.values):
        return batch, None
    cut = batch.offsets[count - 1] + 1
    first = _slice(batch, 0, count, cut, -1, batch.begins)
    size = batch.size_bytes - first.size_bytes
    return first, _slice(batch, count, len(batch.values), batch.next_offset, size, cut)


def _slice(batch: RecordBatch, start: int, stop: int, next_offset: int, size_bytes: int, begins: int) -> RecordBatch:
    return RecordBatch(
        batch.partition,
        batch.offsets[start:stop],
        batch.values[start:stop],
        batch.headers[start:stop] if batch.headers else None,
        batch.timestamps[start:stop],
        next_offset,
        size_bytes,
        begins,
    )
