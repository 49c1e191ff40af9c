"""10 s windows of event time in plain Python dictionaries, for the peers that have none that will do.

A window is a list ``[count, sum, min, max, buckets]``. The buckets are those of an exponential histogram of scale 6, as
Tidewatch has them: mergeable, and a percentile is within 0.55 %.
"""

from collections.abc import Iterable, Mapping
from math import ceil, log2
from typing import Any

WINDOW_MS = 10_000
OUT_OF_ORDERNESS_MS = 500
"""Events come up to 0.4 s late."""
SENTINEL = "sentinel"

_PER_DOUBLING = 64

Key = tuple[str, str, frozenset[tuple[str, str]]]
"""Service, name and labels."""
State = list[Any]


class Windows:
    """Those of one partition."""

    def __init__(self) -> None:
        self._open: dict[int, dict[Key, State]] = {}
        self._high_ms = 0

    def fold(self, events: Iterable[Any]) -> None:
        """Add events, with ``time`` and ``data``. One loop without calls, as these are what dictionaries cost most."""
        windows, high_ms = self._open, self._high_ms
        for event in events:
            data, time_ms = event.data, round(event.time.timestamp() * 1000)
            start_ms = time_ms - time_ms % WINDOW_MS
            window = windows.get(start_ms)
            if window is None:
                window = windows[start_ms] = {}
            key, value = (data.service, data.name, frozenset(data.labels.items())), data.value
            state, index = window.get(key), ceil(log2(value) * _PER_DOUBLING) - 1
            if state is None:
                window[key] = [1, value, value, value, {index: 1}]
            else:
                state[0] += 1
                state[1] += value
                if value < state[2]:
                    state[2] = value
                elif value > state[3]:
                    state[3] = value
                buckets = state[4]
                buckets[index] = buckets.get(index, 0) + 1
            if time_ms > high_ms:
                high_ms = time_ms
        self._high_ms = high_ms

    def close(self, closed: dict[str, list[Any]]) -> int:
        """Move the windows that are over to ``closed``; how many events were in them."""
        counted = 0
        for start_ms in [s for s in self._open if s + WINDOW_MS <= self._high_ms - OUT_OF_ORDERNESS_MS]:
            for (service, name, _), state in self._open.pop(start_ms).items():
                closed[label(service, name, start_ms)] = row(state)
                counted += state[0]
        return counted


def bucket(value: float) -> int:
    """Of the histogram; all of the benchmark's values are above zero."""
    return ceil(log2(value) * _PER_DOUBLING) - 1


def label(service: str, name: str, start_ms: int) -> str:
    """How a window is named when it is handed in."""
    return f"{service} {name.replace('.', '_')} {start_ms}"


def row(state: State) -> list[Any]:
    """A window as it is handed in: count, sum, min, max, p95."""
    count, total, low, high, buckets = state
    return [count, total, low, high, min(max(p95(count, buckets), low), high)]


def p95(count: int, buckets: Mapping[int, int]) -> float:
    """Midpoint of the bucket with the value of nearest rank."""
    seen = 0
    for index in sorted(buckets):
        seen += buckets[index]
        if seen >= 0.95 * count:
            return float(2 ** (index / _PER_DOUBLING) + 2 ** ((index + 1) / _PER_DOUBLING)) / 2
    raise ValueError("a window without events")
