"""The minutes of an objective as ``objective_minutes`` has them, by columns, to count budgets of past periods on.

The same numbers as :class:`streams.slo.ledger.Ledger` gives of the same minutes and measure, in a few steps for any
stretch of time instead of a step a minute. Time is in minutes since the epoch.
"""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.slo import Objective, Occurrences, RatioSlices, Slices
from streams.slo.ledger import UNIT, Tally
from streams.slo.measures import COMPARE, RATIO, slice_minutes
from streams.stored.sql import text

MOST_ROWS = 900_000
"""Of one statement: the embedded ClickHouse gives a million at most."""

_ROW = np.dtype([("objective", "<u2"), ("minute", "<u4"), ("bad", "<i8"), ("total", "<i8")])
_SAFE = 2**62
_NEAR = 1e-9
"""Ratios nearer than this to a target are compared exactly; a float is wrong by far less."""


class StoredMinutes:
    """What came to one objective: minutes ascending, bad and total in units."""

    def __init__(
        self, objective: Objective, minutes: NDArray[np.int64], bad: NDArray[np.int64], total: NDArray[np.int64]
    ) -> None:
        self._length = slice_minutes(objective.method)
        self._minutes = minutes
        self._slices, bads, totals = minutes // self._length, bad, total
        if self._length > 1 or not isinstance(objective.method, Occurrences):
            self._slices, starts = np.unique(self._slices, return_index=True)
            bads, totals = (_sums(column, starts) for column in (bad, total))
        counts = totals > 0
        if not isinstance(objective.method, Occurrences):
            counts &= totals >= objective.minimum_events * UNIT
        self._down = _total(counts & ~_reaches(bads, totals, counts, _threshold(objective)))
        self._bad, self._total = (_total(column) for column in _measured(objective, bads, totals, counts))

    def tally(self, start: int, end: int) -> Tally:
        """What ``[start, end)`` amounts to; of slices, it has to begin and end between two of them."""
        first, last = self._places(start, end)
        seen = np.searchsorted(self._minutes, (start, end))
        return Tally(
            int(self._bad[last] - self._bad[first]), int(self._total[last] - self._total[first]), int(seen[1] - seen[0])
        )

    def down(self, start: int, end: int) -> int:
        """Minutes of ``[start, end)`` that were below the target by themselves, or whose slice was."""
        first, last = self._places(start, end)
        return int(self._down[last] - self._down[first]) * self._length

    def gaps(self, start: int, end: int, longer_than: int = 0) -> list[tuple[int, int]]:
        """The runs of more than so many minutes in ``[start, end)`` in which nothing came, each [from, to)."""
        if start >= end:
            return []
        first, last = np.searchsorted(self._minutes, (start, end))
        edges = np.concatenate(([start - 1], self._minutes[first:last], [end]))
        before = np.nonzero(np.diff(edges) > longer_than + 1)[0]
        return [(int(edges[place]) + 1, int(edges[place + 1])) for place in before]

    def worst(self, edges: Sequence[int], most: int) -> list[int]:
        """Of the stretches between one edge and the next, the places of those with the most that is bad."""
        places = np.searchsorted(self._slices, -(-np.array(edges) // self._length))
        bad = np.diff(self._bad[places])
        found = np.argsort(-bad, kind="stable")[:most]
        return [int(place) for place in found if bad[place] > 0]

    def _places(self, start: int, end: int) -> tuple[int, int]:
        found = np.searchsorted(self._slices, (-(-start // self._length), end // self._length))
        return int(found[0]), max(int(found[1]), int(found[0]))


def _measured(
    objective: Objective, bads: NDArray[Any], totals: NDArray[Any], counts: NDArray[np.bool_]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """What each minute or slice adds, as in :mod:`streams.slo.measures`."""
    method = objective.method
    if isinstance(method, Slices):
        met = _reaches(bads, totals, counts, (method.op, method.target))
        return np.where(counts & ~met, UNIT, 0), np.where(counts, UNIT, 0)
    if isinstance(method, RatioSlices):
        shares = [
            max(bad, 0) * RATIO // total if counted else 0
            for bad, total, counted in zip(bads.tolist(), totals.tolist(), counts.tolist(), strict=True)
        ]
        return np.array(shares, object), np.array([RATIO if counted else 0 for counted in counts.tolist()], object)
    return bads, totals


def _threshold(objective: Objective) -> tuple[Any, Fraction]:
    """When a minute or a slice is good enough."""
    method = objective.method
    return (method.op, method.target) if isinstance(method, Slices) else ("gte", objective.target)


def _reaches(
    bads: NDArray[Any], totals: NDArray[Any], counts: NDArray[np.bool_], threshold: tuple[Any, Fraction]
) -> NDArray[np.bool_]:
    """Whether the share of good compares as it should; exactly."""
    compare, target = COMPARE[threshold[0]], threshold[1]
    shares = 1 - bads.astype(float) / np.where(counts, totals, 1).astype(float)
    found = np.array(compare(shares, float(target)), bool)
    for place in np.nonzero(counts & (np.abs(shares - float(target)) < _NEAR))[0]:
        bad, total = int(bads[place]), int(totals[place])
        found[place] = compare(Fraction(total - bad, total), target)
    return found


def _sums(column: NDArray[np.int64], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.add.reduceat(column, starts) if len(starts) else column[:0]


def _total(column: NDArray[Any]) -> NDArray[Any]:
    """What came before each place, and all of it; whole numbers of any size."""
    if column.dtype != object and len(column) and int(np.abs(column).max()) * len(column) >= _SAFE:
        column = column.astype(object)
    return np.concatenate((np.zeros(1, column.dtype if column.dtype == object else np.int64), np.cumsum(column)))


def load_minutes(
    ask: Callable[[str, str], bytes], tenant: str, objectives: Sequence[Objective], start: int, end: int
) -> Iterator[tuple[Objective, StoredMinutes]]:
    """The minutes in ``[start, end)`` of each objective, some objectives at a time. Raises what asking raises."""
    together = max(MOST_ROWS // max(end - start, 1), 1)
    for first in range(0, len(objectives), together):
        part = objectives[first : first + together]
        rows = np.frombuffer(ask(_select(tenant, part, start, end), "RowBinary"), _ROW)
        places = np.searchsorted(rows["objective"], np.arange(1, len(part) + 2))
        for objective, begin, after in zip(part, places, places[1:], strict=False):
            its = rows[begin:after]
            columns = (np.ascontiguousarray(its[name]).astype(np.int64) for name in ("minute", "bad", "total"))
            yield objective, StoredMinutes(objective, *columns)


def _select(tenant: str, objectives: Sequence[Objective], start: int, end: int) -> str:
    names = ", ".join(text(objective.name) for objective in objectives)
    return (
        f"SELECT toUInt16(indexOf([{names}], toString(objective))) AS number, "  # noqa: S608 - literals quoted
        "toUInt32(intDiv(toUnixTimestamp64Milli(minute), 60000)) AS at, bad, total FROM objective_minutes FINAL "
        f"WHERE tenant = {text(tenant)} AND objective IN ({names}) "
        f"AND minute >= fromUnixTimestamp64Milli({start * 60_000}, 'UTC') "
        f"AND minute < fromUnixTimestamp64Milli({end * 60_000}, 'UTC') ORDER BY number, at"
    )
