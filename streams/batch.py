"""What the transport hands over and what becomes of it: plain data, no behaviour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas.tables import Coded
from streams import lazy
from streams.texts import Texts

Headers = Sequence[tuple[str, bytes]]


class Partition(NamedTuple):
    """A partition of a source topic."""

    topic: str
    number: int


class Position(NamedTuple):
    """Where a consumer stands in a partition, and where the broker said that it ends, ``age`` seconds ago."""

    offset: int
    end: int
    age: float


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
    timestamps: Sequence[int] | NDArray[np.int64]
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
            object.__setattr__(self, "size_bytes", Texts.of(self.values).size_bytes)


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


def concatenated(parts: Sequence[Rows]) -> Rows:
    """Rows of one table, one part after the other."""
    if len(parts) == 1:
        return parts[0]
    return {name: _concatenated([part[name] for part in parts]) for name in parts[0]}


def _concatenated(columns: Sequence[Any]) -> Column:
    if isinstance(columns[0], Coded):
        begins = np.cumsum([0, *(len(column.values) for column in columns)])
        codes = [np.asarray(column.codes) + begin for column, begin in zip(columns, begins, strict=False)]
        return Coded(np.concatenate(codes), list(chain.from_iterable(column.values for column in columns)))
    if isinstance(columns[0], np.ndarray):
        return np.concatenate(columns)
    if isinstance(columns[0], pa.Array):
        return pa.concat_arrays(columns)  # type: ignore[no-any-return]
    if any(isinstance(column, lazy.Lazy) for column in columns):
        return lazy.joined(columns)
    return list(chain.from_iterable(columns))
