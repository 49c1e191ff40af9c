"""Observations of many series, as columns, become one cell a series and pane. Pure, and most of it inside numpy."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.batch import Partition
from streams.windows import sketch
from streams.windows.panes import Cell, PaneDelta, Series
from streams.windows.series import SeriesTable

_CELLS_PER_RECORD = 4_000
"""Cells in one packed record: about half of the broker's 1 MB limit when each carries a small sketch."""

_SPARSE = 16
"""How many times more numbers there may be between the lowest and the highest than there are of them."""

_BUCKET_SHIFT = np.int64(1 << 18)
"""Room for every bucket index of a float (|index| <= 2 ** 17 at scale 6) beside a group's number."""


def cells(
    table: SeriesTable, ids: NDArray[np.int64], times: NDArray[np.int64], values: NDArray[np.float64]
) -> Iterator[tuple[int, int, Cell]]:
    """Fold observations into (series number, pane start ms, cell).

    The order of equal times decides ``last``, so columns come in the order of their offsets.
    """
    if not len(ids):
        return
    series, codes = distinct(ids)
    known = [table.series[number] for number in series.tolist()]
    widths = np.array([one.pane_ms for one in known])[codes]
    panes, places = distinct(times // widths)
    groups = codes * len(panes) + places
    order = np.argsort(_small(groups), kind="stable")
    groups, codes, values, times = groups[order], codes[order], values[order], times[order]
    heads = np.flatnonzero(np.diff(groups, prepend=-1))
    counts = np.diff(np.append(heads, len(groups)))
    latest = np.maximum.reduceat(times, heads)
    lasts = np.maximum.reduceat(np.where(times == np.repeat(latest, counts), np.arange(len(times)), -1), heads)
    columns = (
        series[codes[heads]].tolist(),
        (panes[groups[heads] % len(panes)] * widths[order[heads]]).tolist(),
        counts.tolist(),
        np.add.reduceat(values, heads).tolist(),
        np.minimum.reduceat(values, heads).tolist(),
        np.maximum.reduceat(values, heads).tolist(),
        values[lasts].tolist(),
        latest.tolist(),
    )
    # Of a counter's increments a distribution would mean nothing.
    sketched = np.array([one.kind != "counter" for one in known])[codes]
    numbers, values = np.repeat(np.arange(len(heads)), counts)[sketched], values[sketched]
    positive, negative = (_buckets(numbers[chosen], values[chosen]) for chosen in (values > 0, values < 0))
    zeros = dict(zip(*(part.tolist() for part in np.unique(numbers[values == 0], return_counts=True)), strict=True))
    for group, (number, start, count, total, low, high, last, last_ms) in enumerate(zip(*columns, strict=True)):
        signs = positive.get(group, {}), negative.get(group, {})
        yield number, start, Cell(count, total, low, high, last, last_ms, zeros.get(group, 0), *signs)


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


def _small(numbers: NDArray[np.int64]) -> NDArray[Any]:
    """The same numbers, none of which is negative, in a type that sorts faster when they allow it."""
    return numbers.astype(np.uint16) if numbers.max() < 1 << 16 else numbers


def _buckets(groups: NDArray[np.int64], values: NDArray[np.float64]) -> dict[int, sketch.Buckets]:
    """The exponential histogram of each group's values, by their magnitude."""
    keys = groups * _BUCKET_SHIFT + (sketch.indexes(values) + _BUCKET_SHIFT // 2)
    distinct, counted = np.unique(keys, return_counts=True)
    owners = distinct // _BUCKET_SHIFT
    numbers, counts = (distinct % _BUCKET_SHIFT - _BUCKET_SHIFT // 2).tolist(), counted.tolist()
    heads = np.flatnonzero(np.diff(owners, prepend=-1))
    ends = np.append(heads, len(owners))[1:]
    slices = zip(owners[heads].tolist(), heads.tolist(), ends.tolist(), strict=True)
    return {owner: dict(zip(numbers[start:stop], counts[start:stop], strict=True)) for owner, start, stop in slices}


def deltas(
    table: SeriesTable,
    folded: Iterator[tuple[int, int, Cell]],
    source: Partition,
    first: int,
    last: int,
    incarnation: str,
) -> list[PaneDelta]:
    """Cells grouped by tenant and cut into records.

    Where a delta is cut depends on nothing but the records folded (series numbers differ between workers, so they
    must not decide): a worker that repeats a batch writes the same parts.
    """
    by_tenant: dict[str, tuple[dict[Series, int], list[tuple[int, int, Cell]]]] = {}
    for number, start, cell in folded:
        index, packed = by_tenant.setdefault(table.tenants[number], ({}, []))
        packed.append((index.setdefault(table.series[number], len(index)), start, cell))
    out: list[PaneDelta] = []
    for tenant, (index, packed) in by_tenant.items():
        names = list(index)
        if len(packed) > _CELLS_PER_RECORD:
            packed.sort(key=lambda item: (names[item[0]].name, names[item[0]].labels, names[item[0]].kind, item[1]))
        chunks = [packed[at : at + _CELLS_PER_RECORD] for at in range(0, len(packed), _CELLS_PER_RECORD)]
        for part, chunk in enumerate(chunks):
            series, local = _used(names, chunk) if len(chunks) > 1 else (names, chunk)
            out.append(
                PaneDelta(
                    tenant=tenant,
                    source=source,
                    first=first,
                    last=last,
                    part=part,
                    parts=len(chunks),
                    incarnation=incarnation,
                    series=series,
                    cells=local,
                )
            )
    return out


def _used(
    names: Sequence[Series], chunk: list[tuple[int, int, Cell]]
) -> tuple[list[Series], list[tuple[int, int, Cell]]]:
    """Only the series that a chunk names, renumbered."""
    index: dict[int, int] = {}
    local = [(index.setdefault(number, len(index)), start, cell) for number, start, cell in chunk]
    return [names[number] for number in index], local
