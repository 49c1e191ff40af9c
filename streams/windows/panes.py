"""Panes: what a batch of events adds to each series in each slice of event time, and how that travels.

A delta is a record on the topic ``panes``. It names the source partition and offsets it was folded from, so merging
it twice can be refused; see :mod:`streams.windows.tumbling`.
"""

from typing import Literal

import msgspec

from schemas.failures import Rejected
from streams.batch import Partition
from streams.windows.sketch import Buckets, add

Kind = Literal["counter", "gauge", "histogram"]


class Series(msgspec.Struct, frozen=True, array_like=True):
    """The identity of a series within its tenant. ``labels`` are sorted pairs and include ``service``."""

    name: str
    kind: Kind
    labels: tuple[tuple[str, str], ...]
    pane_ms: int


class Cell(msgspec.Struct, array_like=True):
    """What happened to one series in one pane. Times in epoch milliseconds of event time."""

    count: int
    sum: float
    min: float
    max: float
    last: float
    last_ms: int
    zeros: int = 0
    positive: Buckets = {}
    negative: Buckets = {}

    def merge(self, other: "Cell") -> None:
        """Add ``other``. Associative, and commutative but for ``last`` of equal times."""
        self.count += other.count
        self.sum += other.sum
        self.min = min(self.min, other.min)
        self.max = max(self.max, other.max)
        if other.last_ms >= self.last_ms:
            self.last, self.last_ms = other.last, other.last_ms
        self.zeros += other.zeros
        add(self.positive, other.positive)
        add(self.negative, other.negative)

    def copy(self) -> "Cell":
        """A cell of its own, which can be merged into."""
        return Cell(
            self.count,
            self.sum,
            self.min,
            self.max,
            self.last,
            self.last_ms,
            self.zeros,
            dict(self.positive),
            dict(self.negative),
        )


class PaneDelta(msgspec.Struct, frozen=True, array_like=True, tag=3, kw_only=True):
    """What offsets ``first`` to ``last`` of one source partition add to one tenant's series.

    A large delta is cut into ``parts`` records, numbered by ``part``; all of them carry the same offsets. How far event
    time has come is said by a :class:`Pulse` after all of them: a part must not make the next one late.
    The tag is the version of the packed form; a reader refuses one it does not know.
    """

    tenant: str
    source: Partition
    incarnation: str
    """Which topic of that name: a topic that was deleted and made again starts over."""
    first: int
    last: int
    part: int
    parts: int
    series: list[Series]
    cells: list[tuple[int, int, Cell]]
    """(index into ``series``, start of the pane in epoch ms, what to add)."""


class Pulse(msgspec.Struct, frozen=True, array_like=True, tag=2, kw_only=True):
    """What a reader says of its partitions, to every shard: see :mod:`streams.windows.watermark`."""

    wall_ms: int
    expected: list[Partition] = []
    """About to be read."""
    idle: list[Partition] = []
    """Read to their end, and quiet."""
    seen: list[tuple[Partition, int, int]] = []
    """Of batches whose deltas came before: partition, highest event time, the reader's clock when it declared it."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(PaneDelta | Pulse)


def encode(record: PaneDelta | Pulse) -> bytes:
    """The packed form."""
    return _encoder.encode(record)


def decode(value: bytes) -> PaneDelta | Pulse | None:
    """What is in a record; None when nothing of ours ever looked like it.

    Raises Rejected for a record of a later version: merging the ones after it would leave it out.
    """
    try:
        record: PaneDelta | Pulse = _decoder.decode(value)
    except msgspec.MsgspecError:
        if _is_ours(value):
            raise Rejected("a record of `panes` was written by a later version of Tidewatch; start that one") from None
        return None
    return record


def _is_ours(value: bytes) -> bool:
    """Whether it begins as our records do: an array, and in it first the number of its form."""
    try:
        begin = msgspec.msgpack.decode(value, type=list[msgspec.Raw])[:1]
        return bool(begin) and type(msgspec.msgpack.decode(begin[0])) is int
    except (msgspec.MsgspecError, RecursionError):
        return False
