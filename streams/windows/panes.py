"""Panes: what happened to a series in a slice of event time."""

from typing import Literal

import msgspec

from streams.windows.sketch import Buckets, add

Kind = Literal["counter", "gauge", "histogram"]


class Series(msgspec.Struct, frozen=True, array_like=True):
    """The identity of a series within its tenant. ``labels`` are sorted pairs and include ``service``."""

    name: str
    kind: Kind
    labels: tuple[tuple[str, str], ...]
    pane_ms: int

    def packed(self) -> bytes:
        """The same bytes for the same series, whoever packs it."""
        return _encoder.encode(self)

    @classmethod
    def unpacked(cls, packed: bytes) -> "Series":
        """What was packed. Raises :class:`msgspec.MsgspecError` for anything else."""
        return _decoder.decode(packed)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Series)


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
