"""What the transport hands over and what becomes of it: plain data, no behaviour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from numpy.typing import NDArray

from schemas.tables import Coded

Headers = Sequence[tuple[str, bytes]]


class Partition(NamedTuple):
    """A partition of a source topic."""

    topic: str
    number: int


@dataclass(frozen=True)
class RecordBatch:
    """Consecutive records of one partition, as the broker stored them.

    ``offsets`` ascend and may have gaps (compaction, aborted transactions); ``next_offset`` is where to read on.
    ``headers`` is None when no record of the batch has any.
    """

    partition: Partition
    offsets: Sequence[int]
    values: Sequence[bytes | None]
    headers: Sequence[Headers] | None
    timestamps: Sequence[int]
    """Record times in epoch milliseconds, as Kafka keeps them."""
    next_offset: int
    size_bytes: int = -1
    """Bytes of the values, which bound what is buffered; counted when not given."""
    begins: int = -1
    """Where the reader stood before: offsets from here on that are missing hold no record. Not given: the first one."""

    def __post_init__(self) -> None:
        if self.begins < 0:
            object.__setattr__(self, "begins", self.offsets[0])
        if self.size_bytes < 0:
            object.__setattr__(self, "size_bytes", sum(map(len, filter(None, self.values))))


class DeadLetter(msgspec.Struct, frozen=True):
    """A record that can never be processed, with the bytes as they came."""

    topic: str
    partition: int
    offset: int
    reason: str
    detail: str
    value: bytes | None
    record_time_ms: int


Column = Sequence[Any] | NDArray[Any] | Coded
"""One column: values, or positions in a list of distinct values."""

Rows = Mapping[str, Column]
"""One table's rows, by column."""
