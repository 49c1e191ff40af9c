"""Observations of many series, as columns, become one cell a series and pane. Pure, and most of it inside numpy."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from streams.batch import Partition
from streams.windows import sketch
from streams.windows.panes import Cell, PaneDelta, Series
from streams.windows.series import SeriesTable

_CELLS_PER_RECORD = 4_000
"""Cells in one packed record: about half of the broker's 1 MB limit when each carries a small sketch."""

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
    distinct, codes = np.unique(ids, return_inverse=True)
    series = [table.series[i] for i in distinct.tolist()]
    widths = np.array([one.pane_ms for one in series])[codes]
    starts = times - times % widths
    order = np.lexsort((times, starts, codes))
    codes, starts, values, times = codes[order], starts[order], values[order], times[order]
    edges = np.flatnonzero((np.diff(codes) != 0) | (np.diff(starts) != 0)) + 1
    heads = np.concatenate(([0], edges))
    tails = np.concatenate((edges, [len(codes)])) - 1
    columns = (
        distinct[codes[heads]].tolist(),
        starts[heads].tolist(),
        (tails - heads + 1).tolist(),
        np.add.reduceat(values, heads).tolist(),
        np.minimum.reduceat(values, heads).tolist(),
        np.maximum.reduceat(values, heads).tolist(),
        values[tails].tolist(),
        times[tails].tolist(),
    )
    # Of a counter's increments a distribution would mean nothing.
    sketched = np.array([one.kind != "counter" for one in series])[codes]
    groups, values = np.repeat(np.arange(len(heads)), tails - heads + 1)[sketched], values[sketched]
    positive, negative = (_buckets(groups[chosen], values[chosen]) for chosen in (values > 0, values < 0))
    zeros = dict(zip(*(part.tolist() for part in np.unique(groups[values == 0], return_counts=True)), strict=True))
    for group, (number, start, count, total, low, high, last, last_ms) in enumerate(zip(*columns, strict=True)):
        signs = positive.get(group, {}), negative.get(group, {})
        yield number, start, Cell(count, total, low, high, last, last_ms, zeros.get(group, 0), *signs)


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
