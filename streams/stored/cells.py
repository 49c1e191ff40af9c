"""Panes out of ClickHouse as ingest made them, in order of time: what a replay is fed with."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

import orjson

from schemas.failures import Rejected
from streams.stored import sql
from streams.stored.sql import MADE, Resolution
from streams.windows.panes import Cell, Series

CHUNK_MS = 3_600_000
"""Event time of one statement; less where a lot happened."""

MOST_PANES = 500_000

Placed = tuple[int, Series, Cell]
"""Start of a pane in epoch ms, whose it is, and what happened."""

_COLUMNS = "pane, count, sum, min, max, last, zeros, positive, negative"


def cells(
    ask: Callable[[str, str], bytes],
    tenant: str,
    names: Collection[str] | None,
    start_ms: int,
    end_ms: int,
    sizes: Resolution,
    own: Collection[str] = (),
) -> Iterator[Placed]:
    """The panes in ``[start_ms, end_ms)`` of these series (None: all), by their ends. Raises what asking raises.

    What recording rules once gave is among them, but for ``own``: names that whoever asks makes himself.
    """
    at, chunk_ms = start_ms // sizes.pane_ms * sizes.pane_ms, CHUNK_MS // sizes.pane_ms * sizes.pane_ms
    while at < end_ms:
        span = (at, min(at + chunk_ms, end_ms))
        panes = sql.raw(names, tenant, *span, sizes)
        panes += f" UNION ALL {sql.recorded_panes(names, own, tenant, *span, sizes.pane_ms)}"
        rows = orjson.loads(ask(sql.by_series(panes, _COLUMNS, MOST_PANES + 1), "JSONCompact"))["data"]
        if sum(len(row[-1]) for row in rows) <= MOST_PANES:
            placed = [one for row in rows for one in _placed(row, sizes)]
            yield from sorted(placed, key=lambda one: one[0] + one[1].pane_ms)
            at += chunk_ms
        elif chunk_ms > sizes.pane_ms:
            chunk_ms = max(chunk_ms // 2 // sizes.pane_ms, 1) * sizes.pane_ms
        else:
            raise Rejected(f"more than {MOST_PANES} series were active at once; name fewer of them in the rules")


def _placed(row: list[Any], sizes: Resolution) -> Iterator[Placed]:
    name, kind, service, labels, panes = row
    made = any(events.name == name for events in MADE)
    found = {**orjson.loads(labels or "{}"), "service": service}
    series = Series(name, kind, tuple(sorted(found.items())), sizes.security_pane_ms if made else sizes.pane_ms)
    for start, count, total, low, high, last, zeros, positive, negative in panes:
        at = int(start)
        yield (
            at,
            series,
            Cell(int(count), total, low, high, last, at, int(zeros), _buckets(positive), _buckets(negative)),
        )


def _buckets(pairs: list[list[Any]]) -> dict[int, int]:
    return {int(index): int(count) for index, count in zip(*pairs, strict=True)}
