"""Observations that each add one to a counter become cells without a sort: very many verdicts are such."""

import numpy as np
from numpy.typing import NDArray

from streams.ingest.fold import distinct
from streams.windows.columns import CELL, Batch


def counted(series: NDArray[np.int64], which: NDArray[np.integer], times: NDArray[np.int64], pane_ms: int) -> Batch:
    """One cell a series and pane, as :func:`streams.ingest.fold.cells` makes them of values that are all 1.

    Observation ``i`` is of ``series[which[i]]``; a number may be there twice.
    """
    numbers, codes = distinct(series)
    panes, places = distinct(times // pane_ms)
    groups, codes = distinct(codes[which] * len(panes) + places)
    found = np.zeros(len(groups), CELL)
    found["series"] = numbers[groups // len(panes)]
    found["count"] = found["sum"] = np.bincount(codes)
    found["min"] = found["max"] = found["last"] = 1.0
    latest = np.full(len(groups), times.min())
    np.maximum.at(latest, codes, times)
    found["last_ms"] = latest
    none = np.empty(0, np.int64)
    return Batch(panes[groups % len(panes)] * pane_ms, found, none, none, none)


def joined(one: Batch, other: Batch) -> Batch:
    """The cells of both, none of which are of the same series, in the order of their series and panes."""
    starts, cells = np.append(one.starts, other.starts), np.append(one.cells, other.cells)
    order = np.lexsort((starts, cells["series"]))
    places = np.argsort(order)
    rows = places[np.append(one.rows, other.rows + len(one.starts))]
    by_row = np.argsort(rows, kind="stable")
    bucket_places, counts = np.append(one.places, other.places), np.append(one.counts, other.counts)
    return Batch(starts[order], cells[order], rows[by_row], bucket_places[by_row], counts[by_row])
