"""What travels on the topic ``panes``: what batches of events add to windows and sequences, and how far time has come.

A delta names the source partition and the offsets that it was folded from, so merging it twice can be refused.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from schemas.failures import Rejected
from streams.batch import Partition
from streams.compliance.sequences.marks import Marks
from streams.windows.columns import Batch, batch
from streams.windows.panes import Cell, Series


class PaneDelta(NamedTuple):
    """What offsets ``first`` to ``last`` of one source partition add to one tenant's series.

    A large delta is cut into ``parts`` records, numbered by ``part``; all of them carry the same offsets. How far event
    time has come is said by a :class:`Pulse` after all of them: a part must not make the next one late.
    """

    tenant: str
    source: Partition
    incarnation: str
    """Which topic of that name: a topic that was deleted and made again starts over."""
    first: int
    last: int
    part: int
    parts: int
    series: list[bytes]
    """Packed: who has seen one before need not look into it."""
    cells: Batch
    """Their series are indexes into ``series``."""

    def each(self) -> Iterator[tuple[Series, int, Cell]]:
        """Series, start of the pane in epoch ms, and what to add."""
        series = [Series.unpacked(packed) for packed in self.series]
        for index, start, cell in self.cells.each():
            yield series[index], start, cell


class Pulse(msgspec.Struct, frozen=True, array_like=True, tag=2, kw_only=True):
    """What a reader says of its partitions, to every shard: see :mod:`streams.windows.watermark`."""

    wall_ms: int
    expected: list[Partition] = []
    """About to be read."""
    idle: list[Partition] = []
    """Read to their end, and quiet."""
    seen: list[tuple[Partition, int, int]] = []
    """Of batches whose deltas came before: partition, highest event time, the reader's clock when it declared it."""


class _Delta(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """A delta as it is written. The tag is the version of the form; a reader refuses one it does not know."""

    tenant: str
    source: Partition
    incarnation: str
    first: int
    last: int
    part: int
    parts: int
    series: list[bytes]
    cells: bytes
    buckets: bytes


class _Delta3(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """Version 3: cell by cell, (index into ``series``, start of the pane, what to add)."""

    tenant: str
    source: Partition
    incarnation: str
    first: int
    last: int
    part: int
    parts: int
    series: list[Series]
    cells: list[tuple[int, int, Cell]]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Delta | _Delta3 | Pulse | Marks)


Record = PaneDelta | Pulse | Marks


def encode(record: Record) -> bytes:
    """The packed form."""
    if isinstance(record, Pulse | Marks):
        return _encoder.encode(record)
    return _encoder.encode(_Delta(*record[:-1], *record.cells.packed()))


def decode(value: bytes) -> Record | None:
    """What is in a record; None when nothing of ours ever looked like it.

    Raises Rejected for a record of a later version: merging the ones after it would leave it out.
    """
    try:
        record = _decoder.decode(value)
        if isinstance(record, Marks):
            return _marks(record)
        return record if isinstance(record, Pulse) else _delta(record)
    except ValueError:  # msgspec's errors are some
        if _is_ours(value):
            raise Rejected("a record of `panes` was written by a later version of Tidewatch; start that one") from None
        return None


def _delta(record: _Delta | _Delta3) -> PaneDelta:
    """Raises ValueError when it cannot be one."""
    if isinstance(record, _Delta):
        series, cells = record.series, Batch.unpacked(record.cells, record.buckets)
    else:
        series, cells = [each.packed() for each in record.series], batch(record.cells)
    if len(cells.starts) and cells.cells["series"].max() >= len(series):
        raise ValueError("a cell of no series")
    about = (record.tenant, record.source, record.incarnation, record.first, record.last, record.part, record.parts)
    return PaneDelta(*about, series, cells)


def _marks(record: Marks) -> Marks:
    """Raises ValueError when it cannot be one."""
    if any(not 0 <= mark.policy < len(record.policies) for mark in record.marks):
        raise ValueError("a mark of no policy")
    return record


def _is_ours(value: bytes) -> bool:
    """Whether it begins as our records do: an array, and in it first the number of its form."""
    try:
        begin = msgspec.msgpack.decode(value, type=list[msgspec.Raw])[:1]
        return bool(begin) and type(msgspec.msgpack.decode(begin[0])) is int
    except (msgspec.MsgspecError, RecursionError):
        return False
