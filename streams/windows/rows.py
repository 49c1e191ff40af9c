"""Rows of the table ``windows``, by column, from the cells of windows."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.tables import Coded, Maps
from streams.batch import Rows
from streams.windows.catalogue import Described
from streams.windows.columns import BUCKET_BITS, Columns, Integers, index
from streams.windows.revisable import Key
from streams.windows.sketch import SCALE, midpoint

_QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


class Block(NamedTuple):
    """Rows that are ready, of one window."""

    tenant: str
    key: Key
    version: int
    """The offset in ``panes`` up to which they include deltas."""
    series: list[Described]
    """Whose each cell is."""
    columns: Columns


def rows(blocks: list[Block]) -> Rows:
    """All of their rows."""
    cells = np.concatenate([block.columns.cells for block in blocks])
    sizes = [len(block.columns.cells) for block in blocks]
    owners, places, counts = _buckets(blocks)

    def repeated(values: list[Any]) -> NDArray[Any]:
        return np.repeat(np.array(values), sizes)

    series = [each for block in blocks for each in block.series]
    sketched = np.array([each.kind != "counter" for each in series])
    sign, indexes = index(places)
    return {
        "tenant": Coded(np.repeat(np.arange(len(blocks)), sizes), [block.tenant for block in blocks]),
        "name": _coded([each.name for each in series]),
        "service": _coded([each.service for each in series]),
        "labels": [each.labels for each in series],
        "kind": _coded([each.kind for each in series]),
        "window_seconds": repeated([block.key.size_ms // 1000 for block in blocks]),
        "window_start": repeated([block.key.start_ms for block in blocks]),
        "version": repeated([block.version for block in blocks]),
        **{name: np.ascontiguousarray(cells[name]) for name in ("count", "sum", "min", "max", "last")},
        **_percentiles(cells, sketched, owners, places, counts),
        "zero_count": np.bincount(owners[sign == 0], counts[sign == 0], len(cells)).astype(np.int64),
        "buckets": _maps(owners[sign > 0], indexes[sign > 0], counts[sign > 0], len(cells)),
        "negative_buckets": _maps(owners[sign < 0], indexes[sign < 0], counts[sign < 0], len(cells)),
        "scale": np.full(len(cells), SCALE, np.int8),
    }


def _buckets(blocks: list[Block]) -> tuple[Integers, Integers, Integers]:
    """Row, place and count of every bucket, in the order of rows and, for a row, of values."""
    owners, first = [], 0
    for block in blocks:
        owners.append(first + np.searchsorted(block.columns.cells["series"], block.columns.keys >> BUCKET_BITS))
        first += len(block.columns.cells)
    places = np.concatenate([block.columns.keys for block in blocks]) & ((1 << BUCKET_BITS) - 1)
    return np.concatenate(owners), places, np.concatenate([block.columns.counts for block in blocks])


def _percentiles(
    cells: NDArray[np.void], wanted: NDArray[np.bool_], owners: Integers, places: Integers, counts: Integers
) -> dict[str, Any]:
    """The nearest-rank percentiles as :func:`streams.windows.sketch.quantiles` gives them; masked where none is
    wanted."""
    has = np.isin(np.arange(len(cells)), owners) & wanted
    seen, total = np.cumsum(counts), np.bincount(owners, counts, len(cells)).astype(np.int64)
    before = np.cumsum(total) - total
    found = {}
    for name, q in _QUANTILES.items():
        values = np.zeros(len(cells))
        at = np.searchsorted(seen, (before + np.ceil(q * total).astype(np.int64))[has])
        values[has] = np.clip(_values(places[at]), cells["min"][has], cells["max"][has])
        found[name] = np.ma.MaskedArray(values, ~has)
    return found


def _values(places: Integers) -> NDArray[np.float64]:
    """The value that stands for each bucket."""
    distinct, codes = np.unique(places, return_inverse=True)
    signs, indexes = (part.tolist() for part in index(distinct))
    return np.array([sign * midpoint(i) if sign else 0.0 for sign, i in zip(signs, indexes, strict=True)])[codes]


def _coded(values: Sequence[str]) -> Coded:
    distinct: dict[str, int] = {}
    return Coded([distinct.setdefault(value, len(distinct)) for value in values], list(distinct))


def _maps(owners: Integers, keys: Integers, counts: Integers, rows: int) -> Maps:
    return Maps(np.cumsum(np.bincount(owners, minlength=rows)), keys, counts)
