"""Rows of closed windows, service levels and recording rules on their way to ClickHouse.

Delivery: rows carry a version, so writing one again is harmless.
Back-pressure: rows are taken from the windows when ClickHouse takes them; until then a window waits in its packed form,
and of a service level the newest row.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

from schemas.tables import COLUMNS
from streams.batch import Rows
from streams.stages.store import MAX_ROWS, Store
from streams.stages.writing import InTurn
from streams.telemetry.metrics import Metrics
from streams.windows.rows import Block, rows
from streams.windows.shard import Shard

Row = tuple[Any, ...]


class ClosedWindows(InTurn):
    """Writes for one worker, one insert after the other."""

    def __init__(self, store: Store, metrics: Metrics, shards: Callable[[], Iterable[Shard]]) -> None:
        super().__init__()
        self.store = store
        self.metrics = metrics
        self.shards = shards
        self._rows: dict[str, dict[Row, Row]] = {}
        """Rows of small tables, by table and key."""

    def add(self, table: str, rows_: Iterable[Row]) -> None:
        """Rows of a table whose columns up to ``version`` are its key, each the newest of its key."""
        key = list(COLUMNS[table]).index("version")
        if found := {row[:key]: row for row in rows_}:
            self._rows.setdefault(table, {}).update(found)

    @property
    def _has_work(self) -> bool:
        return bool(self._rows) or any(shard.ready for shard in self.shards())

    async def _write(self) -> None:
        waiting, self._rows = self._rows, {}
        for table, found in waiting.items():
            await self.store.write(table, _columns(table, found.values()), lambda: None)
        while blocks := self._take():
            await self.store.write("windows", await asyncio.to_thread(rows, blocks), lambda: None)
            now_ms = time.time_ns() / 1e6
            for block in blocks:
                self.metrics.window_delay_seconds.observe(max(now_ms - block.key.end_ms, 0) / 1000)

    def _take(self) -> list[Block]:
        """Rows for one insert, and the rest of the window that no longer fits."""
        taken: list[Block] = []
        size = 0
        for shard in self.shards():
            for block in shard.blocks():
                taken.append(block)
                size += len(block.series)
                if size >= MAX_ROWS:
                    return taken
        return taken


def _columns(table: str, found: Iterable[Row]) -> Rows:
    return dict(zip(COLUMNS[table], zip(*found, strict=True), strict=True))
