"""From the panes of a series to the samples that PromQL sees, as ``streams/windows/history.py`` shows them to rules."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from streams.health.liveness import FORGET_MS as GONE_MS
from streams.health.liveness import SILENT_MS
from streams.promql.values import NAME, Labels
from streams.windows.histograms import LE_BOUNDS
from streams.windows.history import FORGET_MS

HEARTBEAT_MS = 10_000
"""How far apart the zeros of a silent component stand."""


class Pane(NamedTuple):
    """What one series did from ``start_ms`` on.

    ``number``: of events. ``below``: how many values are at most each of ``LE_BOUNDS``, of a histogram.
    """

    start_ms: int
    number: float
    sum: float
    last: float
    below: Sequence[float]


class Counted(NamedTuple):
    """What a series had counted before the panes that are loaded."""

    last_ms: int
    """Start of the last pane before; 0: none."""
    number: float
    sum: float
    below: Sequence[float]


NOTHING = Counted(0, 0.0, 0.0, (0.0,) * len(LE_BOUNDS))

Sampled = tuple[Labels, Sequence[int], list[float]]
"""Labels, times (epoch ms, ascending) and values of one series."""


def sampled(
    name: str,
    kind: str,
    labels: Mapping[str, str],
    panes: Sequence[Pane],
    width_ms: int,
    until_ms: int,
    earlier: Counted = NOTHING,
    from_ms: int = 0,
) -> Iterator[Sampled]:
    """The series that PromQL sees of one stored series, with their samples from ``from_ms`` up to ``until_ms``.

    ``panes`` are ascending. A counter shows its total at the end of every pane until an hour after it last grew; a pane
    that has not ended at ``until_ms`` shows there what it holds.
    """
    if kind == "gauge":
        times = [min(pane.start_ms + width_ms, until_ms) for pane in panes]
        values = [pane.last for pane in panes]
        yield _labels(name, labels), *(silences(times, values, until_ms) if name == "up" else (times, values))
        return
    ended_ms = earlier.last_ms + width_ms if earlier.last_ms else 0
    times, held = instants([pane.start_ms for pane in panes], width_ms, until_ms, ended_ms, from_ms)

    def totals(before: float, amounts: Sequence[float]) -> list[float]:
        steps = np.cumsum(np.array([before, *amounts], dtype=np.float64))
        return steps[held].tolist()  # type: ignore[no-any-return]

    if kind == "counter":
        yield _labels(name, labels), times, totals(earlier.sum, [pane.sum for pane in panes])
        return
    for index, bound in enumerate(LE_BOUNDS):
        below = totals(earlier.below[index], [pane.below[index] for pane in panes])
        yield _labels(f"{name}_bucket", labels, f"{bound:g}"), times, below
    counts = totals(earlier.number, [pane.number for pane in panes])
    yield _labels(f"{name}_bucket", labels, "+Inf"), times, counts
    yield _labels(f"{name}_count", labels), times, counts
    yield _labels(f"{name}_sum", labels), times, totals(earlier.sum, [pane.sum for pane in panes])


def names_of(name: str, kind: str) -> list[str]:
    """The names that PromQL sees of a stored series."""
    return [f"{name}{suffix}" for suffix in ("_bucket", "_sum", "_count")] if kind == "histogram" else [name]


def stored_names(name: str) -> set[str]:
    """The stored series that may give a name."""
    return {name, *(name.removesuffix(suffix) for suffix in ("_bucket", "_sum", "_count"))}


def label_sets(name: str, kind: str, labels: Mapping[str, str]) -> Iterator[Labels]:
    """The label sets that PromQL sees of one stored series."""
    pane = Pane(0, 0.0, 0.0, 0.0, NOTHING.below)
    return (found for found, _, _ in sampled(name, kind, labels, [pane], 1, 1))


def instants(
    starts: Sequence[int], width_ms: int, until_ms: int, ended_ms: int = 0, from_ms: int = 0
) -> tuple[list[int], list[int]]:
    """When a running total has samples, and how many panes each of them includes.

    ``ended_ms``: the end of the last pane before; 0: there was none.
    """
    times: list[int] = []
    held: list[int] = []
    end = ended_ms
    if end:
        following = min(starts[0] if starts else until_ms, end + FORGET_MS)
        _hold(times, held, max(end, from_ms // width_ms * width_ms) - width_ms, following, width_ms, 0)
    for number, start in enumerate(starts):
        if number:
            _hold(times, held, end, min(start, end + FORGET_MS), width_ms, number)
        if not times or times[-1] < start:
            times.append(start)
            held.append(number)
        end = start + width_ms
        if min(end, until_ms) > times[-1]:
            times.append(min(end, until_ms))
            held.append(number + 1)
    if starts and end <= until_ms:
        _hold(times, held, end, min(until_ms, end + FORGET_MS), width_ms, len(starts))
    return times, held


def _hold(times: list[int], held: list[int], after_ms: int, until_ms: int, width_ms: int, number: int) -> None:
    """Nothing happens after an instant: the total stays what it is."""
    more = range(after_ms + width_ms, until_ms + 1, width_ms)
    times.extend(more)
    held.extend([number] * len(more))


def silences(times: Sequence[int], values: Sequence[float], until_ms: int) -> tuple[list[int], list[float]]:
    """Heartbeats, and a zero for as long as there is none: see ``streams/health/liveness.py``."""
    all_times: list[int] = []
    all_values: list[float] = []
    for time, value, following in zip(times, values, [*times[1:], until_ms + 1], strict=True):
        silent = range(time + SILENT_MS + 1000, min(following, time + GONE_MS), HEARTBEAT_MS)
        all_times += [time, *silent]
        all_values += [value, *([0.0] * len(silent))]
    return all_times, all_values


def _labels(name: str, labels: Mapping[str, str], le: str = "") -> Labels:
    return Labels((key, value) for key, value in ((NAME, name), *labels.items(), ("le", le)) if value)
