"""``ALERTS`` and ``ALERTS_FOR_STATE`` out of the history of alerts."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import orjson

from streams.promql import STALE, Labels, MemoryStorage
from streams.promql.moment import LOOKBACK_MS
from streams.promql.values import NAME
from streams.stored import sql

ALERT_SERIES = frozenset({"ALERTS", "ALERTS_FOR_STATE"})

STEP_MS = 15_000
"""How far apart the samples of an alert stand; it also has one at each of its transitions."""

_ACTIVE = ("pending", "firing")

Transition = tuple[int, str, int]
"""When, into which state, and since when the alert is active; epoch ms."""


def load_alerts(
    ask: Callable[[str, str], bytes], tenant: str, start_ms: int, end_ms: int, storage: MemoryStorage
) -> None:
    """Add the samples of every alert in ``(start_ms, end_ms]`` to a storage."""
    for labels, rows in orjson.loads(ask(sql.transitions(tenant, 0, end_ms + 1), "JSONCompact"))["data"]:
        ordered = sorted((int(at), int(written), state, int(since)) for at, written, state, since in rows)
        alert = orjson.loads(labels)
        transitions = [(at, state, since) for at, _, state, since in ordered]
        for name, state, times, values in samples(transitions, start_ms - LOOKBACK_MS, end_ms):
            key = Labels({**alert, NAME: name, **({"alertstate": state} if state else {})})
            one = storage.series(key)
            one.timestamps += times
            one.values += values


def samples(
    transitions: list[Transition], start_ms: int, end_ms: int
) -> Iterator[tuple[str, str, list[int], list[float]]]:
    """Pieces of series in order of time: name, ``alertstate`` (empty: none), times and values.

    A piece ends with a stale marker when the alert leaves its state.
    """
    for (at, state, since), (left, after, _) in pairwise([*transitions, (end_ms + 1, "", 0)]):
        if state not in _ACTIVE or left <= start_ms:
            continue
        first = max(at, at + -(-(start_ms - at) // STEP_MS) * STEP_MS)
        times = list(range(first, min(left, end_ms + 1), STEP_MS))
        gone = [left] if left <= end_ms else []
        yield "ALERTS", state, times + gone, [1.0] * len(times) + [STALE] * len(gone)
        ended = gone if after not in _ACTIVE else []
        yield "ALERTS_FOR_STATE", "", times + ended, [since // 1000 * 1.0] * len(times) + [STALE] * len(ended)
