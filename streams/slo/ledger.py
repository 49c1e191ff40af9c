"""What happened to an objective minute by minute, kept compactly.

A ledger only ever adds whole numbers to minutes. So the order of additions, how they are split, and a restart between
them make no difference to what it holds. Time is in minutes since the epoch.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from math import gcd

import msgspec

UNIT = 10**9
"""What one event, one slice or one value counts. Fractions of events are rounded to it once, when they are added."""
CHUNK_MINUTES = 360
"""Minutes that are packed together: long enough to sum 90 days quickly, short enough to open at the edges."""

Minutes = Mapping[int, tuple[int, int]]
"""(bad, total) in units, by minute of the chunk. A minute that is not there: nothing came."""


class Tally(msgspec.Struct, frozen=True, array_like=True):
    """Sums over a stretch of time: bad and total in units, and in how many minutes anything came."""

    bad: int = 0
    total: int = 0
    seen: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.bad + other.bad, self.total + other.total, self.seen + other.seen)

    def __sub__(self, other: "Tally") -> "Tally":
        return Tally(self.bad - other.bad, self.total - other.total, self.seen - other.seen)


ChunkKey = tuple[int, int]
"""(index, digest): another one whenever what is in the chunk changes."""


class ChunkState(msgspec.Struct, frozen=True, array_like=True):
    """A chunk as it is kept in a snapshot: packed, or by a reference to where it is kept."""

    index: int
    packed: bytes
    digest: int = 0
    reference: str = ""

    @property
    def key(self) -> ChunkKey:
        """By which what is packed is known."""
        return self.index, self.digest


Measure = Callable[[Minutes, int, int], Tally]
"""What the minutes of a chunk from one to before another amount to; see :mod:`streams.slo.measures`."""


class _Chunk:
    __slots__ = ("_digest", "_gaps", "_minutes", "_packed", "whole")

    def __init__(self, packed: bytes = b"") -> None:
        self._minutes: dict[int, tuple[int, int]] | None = None if packed else {}
        self._packed = packed
        self.whole: Tally | None = None
        """What all of it amounts to; None: not known since it changed."""
        self._gaps: tuple[int, list[tuple[int, int]]] | None = None
        self._digest = 0

    def minutes(self) -> Minutes:
        return _unpacked(self._packed) if self._minutes is None else self._minutes

    def add(self, minute: int, bad: int, total: int) -> None:
        if self._minutes is None:
            self._minutes = _unpacked(self._packed)
        before = self._minutes.get(minute, (0, 0))
        self._minutes[minute] = before[0] + bad, before[1] + total
        self._packed, self._digest, self.whole, self._gaps = b"", 0, None, None

    def gaps(self, longer_than: int) -> list[tuple[int, int]]:
        """Its runs of minutes without anything that are longer, or go on before or after it."""
        if self._gaps is None or self._gaps[0] != longer_than:
            self._gaps = (
                longer_than,
                [
                    (first, last)
                    for first, last in runs(self.minutes(), 0, CHUNK_MINUTES)
                    if last - first > longer_than or first == 0 or last == CHUNK_MINUTES
                ],
            )
        return self._gaps[1]

    def packed(self) -> bytes:
        return self._packed or _packed(self._minutes or {})

    def settle(self) -> None:
        self._packed, self._minutes = self.packed(), None

    @property
    def digest(self) -> int:
        """Of what is packed, above 0; 0 while it is not."""
        if self._minutes is None and not self._digest:
            self._digest = 1 + int.from_bytes(blake2b(self._packed, digest_size=7).digest())
        return self._digest


class Ledger:
    """The minutes of one objective, and what its measure makes of them."""

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self._chunks: dict[int, _Chunk] = {}

    def add(self, minute: int, bad: int, total: int) -> None:
        """Something came in that minute; both in units, and either may be 0."""
        index, offset = divmod(minute, CHUNK_MINUTES)
        chunk = self._chunks.get(index)
        if chunk is None:
            chunk = self._chunks[index] = _Chunk()
        chunk.add(offset, bad, total)

    def at(self, minute: int) -> tuple[int, int]:
        """(bad, total) of a minute in units."""
        index, offset = divmod(minute, CHUNK_MINUTES)
        chunk = self._chunks.get(index)
        return chunk.minutes().get(offset, (0, 0)) if chunk is not None else (0, 0)

    def tally(self, start: int, end: int) -> Tally:
        """What ``[start, end)`` amounts to. Of slices only whole ones count: begin and end between two of them."""
        found = Tally()
        for index in range(start // CHUNK_MINUTES, -(-end // CHUNK_MINUTES)):
            chunk = self._chunks.get(index)
            if chunk is None:
                continue
            first, last = start - index * CHUNK_MINUTES, end - index * CHUNK_MINUTES
            if first <= 0 and last >= CHUNK_MINUTES:
                found += self._whole(chunk)
            else:
                found += self._measure(chunk.minutes(), max(first, 0), min(last, CHUNK_MINUTES))
        return found

    def gaps(self, start: int, end: int, longer_than: int = 0) -> list[tuple[int, int]]:
        """The runs of more than so many minutes in ``[start, end)`` in which nothing came, each [from, to)."""
        found: list[tuple[int, int]] = []
        for index in range(start // CHUNK_MINUTES, -(-end // CHUNK_MINUTES)):
            for first, last in self._gaps_of(index, start, end, longer_than):
                if found and found[-1][1] == first:
                    found[-1] = found[-1][0], last
                else:
                    found.append((first, last))
        return [gap for gap in found if gap[1] - gap[0] > longer_than]

    def _gaps_of(self, index: int, start: int, end: int, longer_than: int) -> Iterator[tuple[int, int]]:
        """Those of a chunk that may be long enough together with others."""
        chunk, base = self._chunks.get(index), index * CHUNK_MINUTES
        first, last = max(start, base), min(end, base + CHUNK_MINUTES)
        if chunk is None:
            yield first, last
        elif last - first == CHUNK_MINUTES:
            yield from ((base + gap_first, base + gap_last) for gap_first, gap_last in chunk.gaps(longer_than))
        else:
            found = runs(chunk.minutes(), first - base, last - base)
            yield from ((base + gap_first, base + gap_last) for gap_first, gap_last in found)

    def settle(self, before: int) -> None:
        """Pack what ends at or before that minute; what is added later opens it again."""
        for index, chunk in self._chunks.items():
            if (index + 1) * CHUNK_MINUTES <= before:
                chunk.settle()

    def forget(self, before: int) -> None:
        """Drop what ends at or before that minute."""
        for index in [index for index in self._chunks if (index + 1) * CHUNK_MINUTES <= before]:
            del self._chunks[index]

    def packed(self) -> dict[ChunkKey, bytes]:
        """What is packed, and rarely changes: what :meth:`snapshot` need not contain."""
        return {(index, chunk.digest): chunk.packed() for index, chunk in self._chunks.items() if chunk.digest}

    def snapshot(self, references: Mapping[ChunkKey, str] | None = None) -> list[ChunkState]:
        """What :meth:`restore` needs, with ``references`` to what is kept elsewhere; equal for equal minutes."""
        found = []
        for index, chunk in sorted(self._chunks.items()):
            reference = (references or {}).get((index, chunk.digest), "")
            kept = (b"", chunk.digest, reference) if reference else (chunk.packed(),)
            found.append(ChunkState(index, *kept))
        return found

    def restore(self, state: list[ChunkState], packed: Mapping[ChunkKey, bytes] | None = None) -> None:
        """Go on from a snapshot; ``packed`` has what it refers to."""
        self._chunks = {
            kept.index: _Chunk((packed or {})[kept.index, kept.digest] if kept.reference else kept.packed)
            for kept in state
        }

    def _whole(self, chunk: _Chunk) -> Tally:
        if chunk.whole is None:
            chunk.whole = self._measure(chunk.minutes(), 0, CHUNK_MINUTES)
        return chunk.whole


def within(minutes: Minutes, first: int, last: int) -> Iterator[tuple[int, int, int]]:
    """(offset, bad, total) of those in ``[first, last)``, in order."""
    for offset in range(first, last):
        pair = minutes.get(offset)
        if pair is not None:
            yield offset, pair[0], pair[1]


def runs(minutes: Minutes, first: int, last: int) -> Iterator[tuple[int, int]]:
    """The runs of offsets in ``[first, last)`` that are not there."""
    for offset in range(first, last):
        if offset in minutes:
            if first < offset:
                yield first, offset
            first = offset + 1
    if first < last:
        yield first, last


def _packed(minutes: Minutes) -> bytes:
    """Offsets, bads and totals over their common divisor: counts of whole events become small numbers."""
    offsets = sorted(minutes)
    scale = gcd(*(value for pair in minutes.values() for value in pair)) or 1
    columns = [[minutes[offset][column] // scale for offset in offsets] for column in (0, 1)]
    steps = [after - before for before, after in zip([-1, *offsets], offsets, strict=False)]
    return zlib.compress(msgspec.msgpack.encode((scale, steps, *columns)))


def _unpacked(packed: bytes) -> dict[int, tuple[int, int]]:
    kept = msgspec.msgpack.decode(zlib.decompress(packed), type=tuple[int, list[int], list[int], list[int]])
    scale, steps, bads, totals = kept
    minutes: dict[int, tuple[int, int]] = {}
    offset = -1
    for step, bad, total in zip(steps, bads, totals, strict=True):
        offset += step
        minutes[offset] = bad * scale, total * scale
    return minutes
