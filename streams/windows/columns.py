"""The cells of many series as columns: some 50 bytes a cell, and merged by the thousand inside numpy.

A series is known by its number in a :class:`streams.windows.catalogue.Catalogue`. A bucket of its distribution is one
integer, see :data:`BUCKET_BITS`, so that sorting these integers puts every distribution in the order of its values.
"""

from collections.abc import Iterator, Sequence
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

_CELL_BYTES = 8 + sum(CELL[name].itemsize for name in CELL.names or ())
_BUCKET_TYPE = "<u4"

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

    starts: Integers
    """Of their panes, epoch milliseconds."""
    cells: Cells
    rows: Integers
    places: Integers
    counts: Integers

    def some(self, chosen: NDArray[np.bool_]) -> "Batch":
        """The chosen cells."""
        if chosen.all():
            return self
        kept = chosen[self.rows]
        rows = (np.cumsum(chosen) - 1)[self.rows[kept]]
        return Batch(self.starts[chosen], self.cells[chosen], rows, self.places[kept], self.counts[kept])

    def of(self, series: NDArray[Any]) -> "Batch":
        """The same cells, of the series with other numbers."""
        cells = self.cells.copy()
        cells["series"] = series
        return self._replace(cells=cells)

    def keys(self) -> Integers:
        """The keys of the buckets."""
        found: Integers = self.cells["series"][self.rows].astype(np.int64) << BUCKET_BITS | self.places
        return found

    def each(self) -> Iterator[tuple[int, int, Cell]]:
        """Series, start of the pane, and cell."""
        columns = [self.cells[name].tolist() for name in CELL.names or ()]
        cells = [Cell(*values) for values in zip(*columns[1:], strict=True)]
        buckets = (column.tolist() for column in (self.rows, *index(self.places), self.counts))
        for row, sign, at, count in zip(*buckets, strict=True):
            if sign:
                (cells[row].positive if sign > 0 else cells[row].negative)[at] = count
            else:
                cells[row].zeros = count
        return zip(columns[0], self.starts.tolist(), cells, strict=True)

    def packed(self) -> tuple[bytes, bytes]:
        """Cells and buckets, column by column: what is alike comes together, for whoever compresses it."""
        cells = [self.starts, *(self.cells[name] for name in CELL.names or ())]
        buckets = [part.astype(_BUCKET_TYPE) for part in (self.rows, self.places, self.counts)]
        return b"".join(part.tobytes() for part in cells), b"".join(part.tobytes() for part in buckets)

    @classmethod
    def unpacked(cls, cells: bytes, buckets: bytes) -> "Batch":
        """What was packed. Raises ValueError for bytes that cannot be that."""
        size, at = len(cells) // _CELL_BYTES, 8 * (len(cells) // _CELL_BYTES)
        starts, found = np.frombuffer(cells, "<i8", size), np.zeros(size, CELL)
        for name in CELL.names or ():
            kind = CELL[name]
            found[name] = np.frombuffer(cells, kind, size, at)
            at += size * kind.itemsize
        rows, places, counts = np.frombuffer(buckets, _BUCKET_TYPE).astype(np.int64).reshape(3, -1)
        if at != len(cells) or (len(rows) and rows.max() >= size):
            raise ValueError("no columns of cells")
        return cls(starts, found, rows, places, counts)


def empty() -> Columns:
    """Nothing."""
    return Columns(np.zeros(0, CELL), np.zeros(0, np.int64), np.zeros(0, np.int64))


def batch(cells: Sequence[tuple[int, int, Cell]]) -> Batch:
    """Cells as :meth:`Batch.each` gives them."""
    values = [(number, c.count, c.sum, c.min, c.max, c.last, c.last_ms) for number, _, c in cells]
    rows: list[int] = []
    signs: list[int] = []
    indexes: list[int] = []
    counts: list[int] = []
    for row, (_, _, cell) in enumerate(cells):
        for sign, buckets in ((1, cell.positive), (-1, cell.negative), (0, {0: cell.zeros} if cell.zeros else {})):
            rows += [row] * len(buckets)
            signs += [sign] * len(buckets)
            indexes += buckets
            counts += buckets.values()
    places = place(np.array(signs, np.int64), np.array(indexes, np.int64))
    starts, whose = np.array([start for _, start, _ in cells], np.int64), np.array(rows, np.int64)
    return Batch(starts, np.array(values, CELL), whose, places, np.array(counts, np.int64))


def joined(batches: Sequence[Batch]) -> Batch:
    """All of them, one after the other."""
    if len(batches) == 1:
        return batches[0]
    starts, cells, rows, places, counts = zip(*batches, strict=True)
    before = np.cumsum([0, *(len(part) for part in cells[:-1])])
    moved = [part + more for part, more in zip(rows, before.tolist(), strict=True)]
    return Batch(*map(np.concatenate, (starts, cells, moved, places, counts)))


def place(sign: Integers, index: Integers) -> Integers:
    """The places of buckets, by the sign of their values (-1, 0, 1) and their index."""
    found: Integers = _ZERO + sign * (index + _SIGNED)
    return found


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
