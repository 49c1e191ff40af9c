"""Where a publisher's records differ from each other: their id, their time and their value, found by counting commas.

A *shape* says between which commas each of the three stands, and how many bytes are before and after it there. All
records of one shape are cut at once: numpy finds the commas, Arrow takes the pieces, and no object is made of any.
"""

import re
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from streams.texts import Texts

COMMA = ord(",")

_OPENINGS = {
    "id": re.compile(rb'"id"\s*:\s*"'),
    "time": re.compile(rb'"time"\s*:\s*"'),
    "value": re.compile(rb'"value"\s*:\s*'),
}
_CLOSINGS = {"id": re.compile(b'"'), "time": re.compile(b'"'), "value": re.compile(rb"[,}\s]")}

_PIECES, _WIDTH = 4, 8
"""Pieces of a record around its three gaps; with the gaps and what is before the next record, its parts."""


class Gap(NamedTuple):
    """Where a member stands: between which commas, and how many bytes are before and after it in between."""

    member: str
    segment: int
    lead: int
    tail: int


class Shape(NamedTuple):
    """How a publisher writes: how many commas a record has, and its gaps in their order."""

    commas: int
    gaps: tuple[Gap, ...]


class Commas:
    """The commas of some records."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts
        self.at = np.flatnonzero(np.frombuffer(texts.data, np.uint8) == COMMA)
        self.first = np.searchsorted(self.at, texts.starts)
        self.counts = np.searchsorted(self.at, texts.ends) - self.first

    def cut(self, shape: Shape, rows: NDArray[np.int64]) -> "Cut":
        """Those of ``rows``, which have as many commas as ``shape``, that are long enough for it, cut."""
        starts, ends, first = self.texts.starts[rows], self.texts.ends[rows], self.first[rows]
        edges = np.empty((len(rows), _WIDTH), np.int32)
        edges[:, 0], edges[:, -1] = starts, ends
        for number, gap in enumerate(shape.gaps):
            before = self.at[first + (gap.segment - 1)] + 1 if gap.segment else starts
            after = self.at[first + gap.segment] if gap.segment < shape.commas else ends
            edges[:, 2 * number + 1] = before + gap.lead
            edges[:, 2 * number + 2] = after - gap.tail
        fitting = (np.diff(edges, axis=1) >= 0).all(axis=1)
        if not fitting.all():
            rows, edges = rows[fitting], edges[fitting]
        return Cut(shape, rows, edges, self.texts.data)


class Cut:
    """Records in parts: pieces and gaps in turn."""

    def __init__(self, shape: Shape, rows: NDArray[np.int64], edges: NDArray[np.int32], data: bytes) -> None:
        self.shape = shape
        self.rows = rows
        self.edges = edges
        self._parts = binary(max(edges.size - 1, 0), edges, data)

    def gap(self, member: str, chosen: NDArray[np.int64]) -> Any:
        """What stands in a gap of the chosen records (places in ``rows``), as an Arrow array."""
        number = next(at for at, gap in enumerate(self.shape.gaps) if gap.member == member)
        return self._parts.take(pa.array(chosen * _WIDTH + (2 * number + 1)))

    def templates(self) -> tuple[Any, NDArray[np.int64]]:
        """What is around the gaps of each record, joined, as an Arrow array; and the length of each piece."""
        parts = np.arange(len(self.rows))[:, None] * _WIDTH + np.arange(0, _WIDTH, 2)
        pieces = self._parts.take(pa.array(parts.ravel()))
        _, offsets, data = pieces.buffers()
        ends = np.frombuffer(offsets, np.int32, len(pieces) + 1)
        lengths = np.diff(ends).reshape(-1, _PIECES).astype(np.int64)
        return binary(len(self.rows), np.ascontiguousarray(ends[::_PIECES]), data), lengths


def binary(count: int, offsets: NDArray[np.int32], data: Any) -> Any:
    """``count`` texts that lie side by side in ``data`` as an Arrow array, which shares it."""
    return pa.BinaryArray.from_buffers(pa.binary(), count, [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def shape_of(record: bytes) -> tuple[Shape, list[bytes]] | None:
    """How the publisher of ``record`` writes, and the pieces around its gaps; None when a member is missing."""
    found: list[tuple[int, int, str]] = []
    for member, opening in _OPENINGS.items():
        start = opening.search(record)
        end = _CLOSINGS[member].search(record, start.end()) if start else None
        if start is None or end is None or record.find(b",", start.end(), end.start()) >= 0:
            return None
        found.append((start.end(), end.start(), member))
    found.sort()
    (a, b, _), (c, d, _), (e, f, _) = found
    if not a <= b <= c <= d <= e <= f:
        return None
    gaps = tuple(_gap(record, *place) for place in found)
    return Shape(record.count(b","), gaps), [record[:a], record[b:c], record[d:e], record[f:]]


def _gap(record: bytes, start: int, end: int, member: str) -> Gap:
    before = record.rfind(b",", 0, start) + 1
    after = record.find(b",", end)
    after = len(record) if after < 0 else after
    return Gap(member, record.count(b",", 0, start), start - before, after - end)
