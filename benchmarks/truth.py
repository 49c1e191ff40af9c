"""What must come out: count, sum, min, max and 95th percentile of every series and window, from the events' columns."""

import math
from collections.abc import Iterable, Mapping

import msgspec
import numpy as np

from benchmarks import events
from streams.windows.sketch import RELATIVE_ERROR

P95 = 0.95


class Window(msgspec.Struct, frozen=True, array_like=True):
    """One window of one series."""

    count: int
    sum: float
    min: float
    max: float
    p95: float


class Truth(msgspec.Struct):
    """``events`` are those published, with sentinels; ``windows`` are by :func:`key`, without those of sentinels."""

    events: int
    windows: dict[str, Window]

    @property
    def counted(self) -> int:
        """Events in the windows."""
        return self.events - events.PARTITIONS

    def differences(self, found: Mapping[str, Window]) -> list[str]:
        """What is wrong with ``found``, one sentence each: nothing when it is equal.

        Counts, minima and maxima must be the same; sums but for the order of additions; a percentile must be within
        the error of a sketch's bucket.
        """
        wrong = [f"{key}: missing" for key in self.windows.keys() - found.keys()]
        wrong += [f"{key}: nobody published that" for key in found.keys() - self.windows.keys()]
        for key in self.windows.keys() & found.keys():
            wanted, got = self.windows[key], found[key]
            exact = (wanted.count, wanted.min, wanted.max) == (got.count, got.min, got.max)
            close = math.isclose(wanted.sum, got.sum, rel_tol=1e-9)
            if not (exact and close and math.isclose(wanted.p95, got.p95, rel_tol=2 * RELATIVE_ERROR)):
                wrong.append(f"{key}: {got} instead of {wanted}")
        return wrong


def key(service: str, name: str, start_ms: int) -> str:
    """How a window is named. ``name`` is as rules see it, with ``_`` for dots."""
    return f"{service} {name} {start_ms}"


def truth(chunks: Iterable[events.Chunk]) -> Truth:
    """The windows of a run's events, of which the last chunk holds the sentinels."""
    *ordinary, _ = [(chunk.series, chunk.times, chunk.values) for chunk in chunks]
    series, times, values = (np.concatenate(column) for column in zip(*ordinary, strict=True))
    starts = times - times % events.WINDOW_MS
    order = np.lexsort((values, starts, series))
    series, starts, values = series[order], starts[order], values[order]
    heads = np.concatenate(([0], np.flatnonzero((np.diff(series) != 0) | (np.diff(starts) != 0)) + 1))
    counts = np.diff(np.append(heads, len(series)))
    ranks = heads + np.ceil(P95 * counts).astype(np.int64) - 1
    columns = (series[heads], starts[heads], counts, np.add.reduceat(values, heads))
    extremes = (values[heads], values[heads + counts - 1], values[ranks])
    rows = zip(*(column.tolist() for column in (*columns, *extremes)), strict=True)
    windows = {
        key(events.service(s), events.name(s).replace(".", "_"), start): Window(*window) for s, start, *window in rows
    }
    return Truth(len(series) + events.PARTITIONS, windows)
