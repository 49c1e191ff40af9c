"""Rows into ClickHouse, each exactly once, whatever happens in between.

Delivery: an insert carries a deduplication token, so trying again is harmless; but a token can outlive its rows (the
engine logs it before it renames the part into place), so after any failed attempt, and for a batch that a predecessor
may have begun, the rows are read back by offset and what is missing is inserted under a token of its own.
Back-pressure: an unavailable ClickHouse is retried for as long as the caller still owns the partition.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

import numpy as np
import pyarrow as pa

from schemas.failures import Unavailable
from schemas.tables import Coded
from sinks.clickhouse import ClickHouse
from streams.batch import Column, Rows
from streams.telemetry.metrics import Metrics

T = TypeVar("T")

log = logging.getLogger(__name__)

MAX_ROWS = 50_000
"""Of one insert: a larger one may be cut into blocks differently the next time, and then its token protects nothing."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0

Check = Callable[[], None]
"""Raises when the caller has lost what it was writing for."""


class Store:
    """Writes for one worker, in threads of its own."""

    def __init__(self, sink: ClickHouse, metrics: Metrics) -> None:
        self.sink = sink
        self.metrics = metrics
        self.trouble: dict[str, str] = {}
        """What does not answer now, and what was said of it."""
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="clickhouse")

    def close(self) -> None:
        """Wait for what is being written."""
        self._threads.shutdown()

    async def put(self, table: str, rows: Rows, token: str, check: Check, doubtful: bool = False) -> None:
        """Insert a batch's rows; ``doubtful`` when another worker may have inserted some of them."""
        for number, part in enumerate(chunks(rows)):
            await self._put(table, part, f"{token}/{number}" if number else token, check, doubtful)

    async def recover(self, table: str, rows: Rows, token: str, check: Check) -> str:
        """Complete a predecessor's insert, and say how it was found: ``absent``, ``partial`` or ``complete``.

        What is there completely is not inserted again: its token may be older than ClickHouse remembers.
        """
        missing = await self._missing(table, rows, check)
        if not missing.any():
            return "complete"
        await self.put(table, rows, token, check, doubtful=True)
        return "absent" if missing.all() else "partial"

    async def write(self, table: str, rows: Rows, check: Check) -> None:
        """Insert rows that are harmless to repeat, because they carry a version.

        Each attempt has a token of its own: a failed one may have left its token without the rows.
        """
        for part in chunks(rows):
            await self.retrying("clickhouse", partial(self._insert_anew, table, part), check)

    async def retrying(self, what: str, attempt: Callable[[], Awaitable[T]], check: Check) -> T:
        """``attempt`` until it succeeds, with back-off and jitter."""
        pause = _FIRST_PAUSE
        while True:
            try:
                result = await attempt()
                self.trouble.pop(what, None)
                return result
            except Unavailable as error:
                self.trouble[what] = str(error)
                self.metrics.sink_retries_total.labels(sink=what).inc()
                log.warning("%s is unavailable, trying again in about %.1f s: %s", what, pause, error)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
            pause = min(pause * 2, _LONGEST_PAUSE)
            check()

    async def _put(self, table: str, rows: Rows, token: str, check: Check, doubtful: bool) -> None:
        attempts = 0

        async def attempt() -> None:
            nonlocal attempts
            attempts += 1
            await self._insert(table, rows, token)

        await self.retrying("clickhouse", attempt, check)
        repair = 0
        while doubtful or attempts > 1:
            check()
            missing = await self._missing(table, rows, check)
            if not missing.any():
                return
            count = int(missing.sum())
            self.metrics.repaired_rows_total.inc(count)
            log.warning("ClickHouse knew the token of %d rows of %s without having them: repairing", count, table)
            part = select(rows, missing)
            repair += 1  # numbered anew in each recovery: a frozen predecessor's repair must not count twice
            await self.retrying("clickhouse", partial(self._insert, table, part, f"{token}-repair-{repair}"), check)

    async def _missing(self, table: str, rows: Rows, check: Check) -> np.ndarray[Any, np.dtype[np.bool_]]:
        offsets = np.asarray(rows["_offset"])
        topic, incarnation = rows["_topic"], rows["_incarnation"]
        assert isinstance(topic, Coded)
        assert isinstance(incarnation, Coded)
        where = (topic.values[0], incarnation.values[0], int(np.asarray(rows["_partition"])[0]), int(offsets[0]))
        # Policies about single events and those about sequences speak of the same records, in inserts of their own.
        policies = [list(policy.values)] if isinstance(policy := rows.get("policy"), Coded) else []
        found = await self.retrying(
            "clickhouse", lambda: self._run(self.sink.stored_offsets, table, *where, *policies), check
        )
        return np.array([offset not in found for offset in offsets.tolist()])

    async def _insert_anew(self, table: str, rows: Rows) -> None:
        await self._insert(table, rows, uuid4().hex)

    async def _insert(self, table: str, rows: Rows, token: str) -> None:
        began = time.monotonic()
        await self._run(self.sink.insert, table, rows, token)
        self.metrics.insert_seconds.labels(table=table).observe(time.monotonic() - began)
        self.metrics.insert_rows_total.labels(table=table).inc(_length(rows))

    async def _run(self, call: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)


def chunks(rows: Rows, limit: int = MAX_ROWS) -> Iterator[Rows]:
    """Rows in pieces of at most ``limit``, cut between records, so that a piece holds all rows of an offset or none."""
    length = _length(rows)
    if length <= limit:
        yield rows
        return
    offsets = np.asarray(rows["_offset"]) if "_offset" in rows else np.arange(length)
    start = 0
    while start < length:
        stop = min(start + limit, length)
        if stop < length:
            while stop > start + 1 and offsets[stop - 1] == offsets[stop]:
                stop -= 1
        yield select(rows, slice(start, stop))
        start = stop


def select(rows: Rows, chosen: Any) -> Rows:
    """Some of the rows: a slice, or a mask."""
    return {name: _select(column, chosen) for name, column in rows.items()}


def _select(column: Column, chosen: Any) -> Column:
    if isinstance(column, Coded):
        return Coded(np.asarray(column.codes)[chosen], column.values)
    if isinstance(column, np.ndarray) or isinstance(chosen, slice):
        return column[chosen]
    if isinstance(column, pa.Array):
        return column.filter(pa.array(chosen))  # type: ignore[no-any-return]
    return [value for value, wanted in zip(column, chosen, strict=True) if wanted]


def _length(rows: Rows) -> int:
    first = next(iter(rows.values()))
    return len(first.codes) if isinstance(first, Coded) else len(first)
