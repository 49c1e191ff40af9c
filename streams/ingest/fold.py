"""Observations of many series, as columns, become one cell a series and pane. Pure, and all of it inside numpy."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.batch import Partition
from streams.windows import sketch
from streams.windows.columns import BUCKET_BITS, CELL, Batch, place
from streams.windows.deltas import PaneDelta
from streams.windows.series import SeriesTable

_RECORD_BYTES = 500_000
"""Of cells, buckets and series in one record, uncompressed: half of what a broker takes by default."""
_CELL_BYTES, _BUCKET_BYTES = 60, 12

_SPARSE = 16
"""How many times more numbers there may be between the lowest and the highest than there are of them."""


def cells(table: SeriesTable, ids: NDArray[np.int64], times: NDArray[np.int64], values: NDArray[np.float64]) -> Batch:
    """Fold observations into one cell a series and pane.

    The order of equal times decides ``last``, so columns come in the order of their offsets.
    """
    series, codes = distinct(ids)
    numbers = series.tolist()
    widths = np.array([table.pane_ms[number] for number in numbers])[codes]
    panes, places = distinct(times // widths)
    groups = codes * len(panes) + places
    order = np.argsort(_small(groups), kind="stable")
    groups, codes, values, times = groups[order], codes[order], values[order], times[order]
    heads = np.flatnonzero(np.diff(groups, prepend=-1))
    counts = np.diff(np.append(heads, len(groups)))
    latest = np.maximum.reduceat(times, heads)
    lasts = np.maximum.reduceat(np.where(times == np.repeat(latest, counts), np.arange(len(times)), -1), heads)
    found = np.zeros(len(heads), CELL)
    found["series"] = series[codes[heads]]
    found["count"] = counts
    found["sum"] = np.add.reduceat(values, heads)
    found["min"] = np.minimum.reduceat(values, heads)
    found["max"] = np.maximum.reduceat(values, heads)
    found["last"] = values[lasts]
    found["last_ms"] = latest
    # Of a counter's increments a distribution would mean nothing.
    sketched = np.array([table.kinds[number] != "counter" for number in numbers])[codes]
    rows = np.repeat(np.arange(len(heads)), counts)
    starts = panes[groups[heads] % len(panes)] * widths[order[heads]]
    return Batch(starts, found, *_buckets(rows[sketched], values[sketched]))


def distinct(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The distinct numbers, ascending, and which one each is: without sorting, where they are close together."""
    low = int(numbers.min())
    span = int(numbers.max()) - low + 1
    if span > _SPARSE * len(numbers):
        found, codes = np.unique(numbers, return_inverse=True)
        return found, codes
    relative = numbers - low
    present = np.zeros(span, dtype=bool)
    present[relative] = True
    places = np.cumsum(present) - 1
    return np.flatnonzero(present) + low, places[relative]


def spread(begins: NDArray[Any], counts: NDArray[Any]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Where row ``i`` has the ``counts[i]`` values of a list from ``begins[i]`` on: of each value its row and place."""
    rows = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    first = (begins - (np.cumsum(counts) - counts)).astype(np.int32)
    return rows, first[rows] + np.arange(len(rows), dtype=np.int32)


def _small(numbers: NDArray[np.int64]) -> NDArray[Any]:
    """The same numbers, none of which is negative, in a type that sorts faster when they allow it."""
    return numbers.astype(np.uint16) if numbers.max() < 1 << 16 else numbers


def _buckets(
    rows: NDArray[np.int64], values: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The exponential histograms of the cells in ``rows``: whose each bucket is, its place, and what is in it."""
    signs = np.sign(values).astype(np.int64)
    indexes = sketch.indexes(np.where(values == 0, 1.0, values)).astype(np.int64)
    keys, counts = np.unique(rows << BUCKET_BITS | place(signs, indexes), return_counts=True)
    return keys >> BUCKET_BITS, keys & ((1 << BUCKET_BITS) - 1), counts


def deltas(
    table: SeriesTable, folded: Batch, source: Partition, first: int, last: int, incarnation: str
) -> Iterator[PaneDelta]:
    """Cells by tenant, cut into records.

    What is in a record depends on nothing but the records folded (series numbers differ between workers, so they
    must not decide): a worker that repeats a batch writes the same parts.
    """
    numbers, codes = distinct(folded.cells["series"].astype(np.int64))
    packed = [table.packed[number] for number in numbers.tolist()]
    owners = np.array([table.tenants[number] for number in numbers.tolist()], object)
    for tenant in dict.fromkeys(owners.tolist()):
        mine = (owners == tenant)[codes]
        parts = _cut(packed, codes, folded, mine)
        for part, chosen in enumerate(parts):
            series, local = distinct(codes[chosen])
            of_it = folded.some(chosen).of(local)
            names = [packed[code] for code in series.tolist()]
            yield PaneDelta(tenant, source, incarnation, first, last, part, len(parts), names, of_it)


def _cut(packed: Sequence[bytes], codes: NDArray[np.int64], folded: Batch, mine: NDArray[np.bool_]) -> list[Any]:
    """Which cells go into each record: all of them, or as many as are not too large in the order of their series."""
    sizes = np.array([len(each) for each in packed])[codes] + _CELL_BYTES
    sizes += _BUCKET_BYTES * np.bincount(folded.rows, minlength=len(sizes))
    if sizes[mine].sum() <= _RECORD_BYTES:
        return [mine]
    rank = np.empty(len(packed), np.int64)
    rank[sorted(range(len(packed)), key=packed.__getitem__)] = np.arange(len(packed))
    order = np.flatnonzero(mine)
    order = order[np.lexsort((folded.starts[order], rank[codes[order]]))]
    parts = np.full(len(codes), -1)
    parts[order] = np.cumsum(sizes[order]) // _RECORD_BYTES
    return [parts == part for part in np.unique(parts[order]).tolist()]
