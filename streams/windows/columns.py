"""The cells of many series as columns: some 50 bytes a cell, and merged by the thousand inside numpy.

A series is known by its number in a :class:`streams.windows.catalogue.Catalogue`. A bucket of its distribution is one
integer, see :data:`BUCKET_BITS`, so that sorting these integers puts every distribution in the order of its values.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.windows.panes import Cell

CELL = np.dtype(
    [
        ("series", "<u4"),
        ("count", "<i8"),
        ("sum", "<f8"),
        ("min", "<f8"),
        ("max", "<f8"),
        ("last", "<f8"),
        ("last_ms", "<i8"),
    ]
)
"""What :class:`streams.windows.panes.Cell` holds, less its buckets."""

BUCKET_BITS = 20
"""A bucket's key is ``series << BUCKET_BITS | place``."""

_ZERO = 1 << (BUCKET_BITS - 1)
_SIGNED = 1 << (BUCKET_BITS - 2)
"""The place of a zero; and how far a bucket of index 0 is from it, above for positive values, below for negative ones.
Indexes are within ``2 ** 17``."""

Cells = NDArray[np.void]
Integers = NDArray[np.int64]


class Columns(NamedTuple):
    """Cells, one a series, in the order of their numbers; and their buckets, in the order of their keys."""

    cells: Cells
    keys: Integers
    counts: Integers

    def of(self, series: NDArray[Any]) -> "Columns":
        """Those of some series."""
        mine = np.isin(self.keys >> BUCKET_BITS, series)
        return Columns(self.cells[np.isin(self.cells["series"], series)], self.keys[mine], self.counts[mine])


class Batch(NamedTuple):
    """Cells in the order in which they came; a series may be there again. ``rows`` says whose each bucket is."""

    cells: Cells
    rows: Integers
    places: Integers
    counts: Integers

    def some(self, chosen: NDArray[np.bool_]) -> "Batch":
        """The chosen cells."""
        if chosen.all():
            return self
        kept = chosen[self.rows]
        renumbered = np.cumsum(chosen) - 1
        return Batch(self.cells[chosen], renumbered[self.rows[kept]], self.places[kept], self.counts[kept])

    def keys(self) -> Integers:
        """The keys of the buckets."""
        found: Integers = self.cells["series"][self.rows].astype(np.int64) << BUCKET_BITS | self.places
        return found


def empty() -> Columns:
    """Nothing."""
    return Columns(np.zeros(0, CELL), np.zeros(0, np.int64), np.zeros(0, np.int64))


def batch(series: Sequence[int], cells: Sequence[Cell]) -> Batch:
    """Cells of the series with these numbers."""
    values = [
        (number, c.count, c.sum, c.min, c.max, c.last, c.last_ms) for number, c in zip(series, cells, strict=True)
    ]
    rows, places, counts = [], [], []
    for sign, buckets in ((1, [c.positive for c in cells]), (-1, [c.negative for c in cells])):
        rows.append(np.repeat(np.arange(len(cells)), [len(each) for each in buckets]))
        indexes = np.fromiter(chain.from_iterable(buckets), np.int64)
        places.append(_ZERO + sign * (indexes + _SIGNED))
        counts.append(np.fromiter(chain.from_iterable(each.values() for each in buckets), np.int64))
    zeros = np.array([c.zeros for c in cells], np.int64)
    rows.append(np.flatnonzero(zeros))
    places.append(np.full(len(rows[-1]), _ZERO))
    counts.append(zeros[rows[-1]])
    return Batch(np.array(values, CELL), np.concatenate(rows), np.concatenate(places), np.concatenate(counts))


def index(places: Integers) -> tuple[Integers, Integers]:
    """Sign (-1, 0, 1) and bucket index of places."""
    sign = np.sign(places - _ZERO)
    return sign, (places - _ZERO) * sign - _SIGNED * np.abs(sign)


def absorb(into: Cells, rows: NDArray[Any], cells: Cells) -> None:
    """Merge ``cells`` into the rows of ``into``, one after the other as :meth:`Cell.merge` does: sums of floats are
    the same however the cells were cut into batches. A row without a count is a new one."""
    fresh = rows[into["count"][rows] == 0]
    into["min"][fresh], into["max"][fresh] = np.inf, -np.inf
    into["last_ms"][fresh] = np.iinfo(np.int64).min
    np.add.at(into["count"], rows, cells["count"])
    np.add.at(into["sum"], rows, cells["sum"])
    np.minimum.at(into["min"], rows, cells["min"])
    np.maximum.at(into["max"], rows, cells["max"])
    order = np.argsort(cells["last_ms"], kind="stable")
    latest = order[cells["last_ms"][order] >= into["last_ms"][rows[order]]]
    into["last"][rows[latest]] = cells["last"][latest]
    into["last_ms"][rows[latest]] = cells["last_ms"][latest]


def added(keys: Integers, counts: Integers) -> tuple[Integers, Integers]:
    """Buckets in the order of their keys, each once."""
    if not len(keys):
        return keys, counts
    order = np.argsort(keys, kind="stable")
    keys, counts = keys[order], counts[order]
    heads = np.flatnonzero(np.diff(keys, prepend=-1))
    return keys[heads], np.add.reduceat(counts, heads)


def combined(first: Columns, then: Columns) -> Columns:
    """Both, merged in this order."""
    cells = np.concatenate((first.cells, then.cells))
    series, rows = np.unique(cells["series"], return_inverse=True)
    into = np.zeros(len(series), CELL)
    into["series"] = series
    absorb(into, rows, cells)
    return Columns(into, *added(np.concatenate((first.keys, then.keys)), np.concatenate((first.counts, then.counts))))


class Growing:
    """Cells that are still being merged into."""

    def __init__(self, columns: Columns | None = None) -> None:
        columns = columns or empty()
        self._cells, self._size = columns.cells.copy(), len(columns.cells)
        self._row = np.zeros(int(self._cells["series"].max(initial=0)) + 1, np.uint32)
        """By number of series: its row and one; 0: it has none."""
        self._row[self._cells["series"]] = np.arange(1, self._size + 1)
        self._buckets = [(columns.keys, columns.counts)]
        self._loose = 0
        """Buckets that were not yet added up."""

    def __len__(self) -> int:
        return self._size

    def merge(self, batch: Batch) -> None:
        """Add a batch."""
        series = batch.cells["series"]
        self._admit(series)
        absorb(self._cells, self._row[series].astype(np.int64) - 1, batch.cells)
        self._buckets.append((batch.keys(), batch.counts))
        self._loose += len(batch.counts)
        if self._loose > len(self._buckets[0][0]) + 1000:
            self._add_up()

    def columns(self) -> Columns:
        """What there is by now."""
        self._add_up()
        cells = self._cells[: self._size]
        return Columns(cells[np.argsort(cells["series"])], *self._buckets[0])

    def _admit(self, series: NDArray[np.uint32]) -> None:
        top = int(series.max()) + 1
        if top > len(self._row):
            self._row = np.concatenate((self._row, np.zeros(max(top - len(self._row), len(self._row)), np.uint32)))
        new = np.unique(series[self._row[series] == 0])
        size = self._size + len(new)
        if size > len(self._cells):
            self._cells = np.concatenate((self._cells, np.zeros(max(size - len(self._cells), self._size // 2), CELL)))
        self._cells["series"][self._size : size] = new
        self._row[new] = np.arange(self._size + 1, size + 1)
        self._size = size

    def _add_up(self) -> None:
        if len(self._buckets) > 1:
            keys, counts = (np.concatenate(column) for column in zip(*self._buckets, strict=True))
            self._buckets, self._loose = [added(keys, counts)], 0
