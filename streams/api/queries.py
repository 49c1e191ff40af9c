"""Evaluates queries in threads, each with a time limit, so that the worker's event loop goes on."""

import asyncio
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple, TypeVar

from embedded.readonly import Reader
from schemas import config
from schemas.failures import Unavailable
from sinks.clickhouse import ClickHouse
from streams.api import answers
from streams.api.parameters import Parameters
from streams.promql import Expression, Labels, Matcher, MemoryStorage, Note, Resolver
from streams.promql.matcher import matches_all
from streams.promql.values import NAME
from streams.stored import Ask, Extent, Resolution, extent_of, load
from streams.stored.storage import series as stored_series

LONGEST_SECONDS = 30.0
"""However long a ``timeout`` is asked for."""

THREADS, WAITING = 2, 20
"""Queries that run at the same time, and that may run or wait."""

T = TypeVar("T")

Recorded = Callable[[str], Iterable[Any]]
"""Tenant -> the series that its rules have written, as they are in this worker now."""


class Timeout(Exception):  # noqa: N818 - named after what happened
    """The query took too long."""


class Known(NamedTuple):
    """A recorded series as it was when the query began."""

    labels: Labels
    timestamps: list[int]
    values: list[float]


def asking(sink: ClickHouse) -> Ask:
    """How to ask a server, or the engine in this process."""
    if sink.directory is None:
        return sink.raw_query
    reader = Reader(sink.directory)
    return lambda sql, output_format: reader.answer(sql, database=sink.database, output_format=output_format).body


def resolution(windows: config.Windows) -> Resolution:
    """How far apart samples stand under a configuration."""
    sizes = tuple(sorted(size * 1000 for size in windows.sizes))
    return Resolution(windows.pane * 1000, windows.security_pane * 1000, sizes)


class Queries:
    """Answers over ClickHouse, and over the series that rules write in this worker."""

    def __init__(self, ask: Ask, sizes: Resolution, recorded: Recorded) -> None:
        self._ask = ask
        self._sizes = sizes
        self._recorded = recorded
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="promql")
        self._pending = 0

    def close(self) -> None:
        """Wait for what is running."""
        self._threads.shutdown(cancel_futures=True)

    async def instant(self, asked: Parameters) -> tuple[Any, Mapping[str, Any]]:
        """Data and remarks of ``/query``."""
        expression, at = asked.expression(), asked.time_ms("time", time.time_ns() // 1_000_000)
        limit = asked.limit()

        def evaluate(resolver: Resolver, notes: dict[Note, None]) -> Any:
            return answers.value(expression.evaluate(resolver, at, notes), at, limit)

        return await self._evaluate(asked, expression, (at, at), evaluate)

    async def range(self, asked: Parameters) -> tuple[Any, Mapping[str, Any]]:
        """Data and remarks of ``/query_range``."""
        start, end, step = asked.steps()
        expression, limit = asked.expression(), asked.limit()

        def evaluate(resolver: Resolver, notes: dict[Note, None]) -> Any:
            return answers.matrix(expression.evaluate_range(resolver, start, end, step, notes), limit)

        return await self._evaluate(asked, expression, (start, end), evaluate)

    async def series(self, asked: Parameters, selectors: list[tuple[Matcher, ...]]) -> set[Labels]:
        """Label sets with samples between ``start`` and ``end`` that a selector chooses; all without selectors."""
        extent = Extent(asked.time_ms("start", 0), asked.time_ms("end", time.time_ns() // 1_000_000))
        live = self._live(asked.tenant, selectors or [()])

        def find(check: Callable[[], None]) -> set[Labels]:
            found = stored_series(_checked(self._ask, check), asked.tenant, extent, self._sizes)
            found |= {known.labels for known in live if _within(known, extent)}
            return {labels for labels in found if not selectors or any(matches_all(m, labels) for m in selectors)}

        return await self._run(find, asked)

    async def _evaluate(
        self,
        asked: Parameters,
        expression: Expression,
        times: tuple[int, int],
        evaluate: Callable[[Resolver, dict[Note, None]], Any],
    ) -> tuple[Any, Mapping[str, Any]]:
        selectors = [tuple(matchers) for matchers, _ in expression.selectors()]
        live = self._live(asked.tenant, selectors)
        extent = extent_of(expression, *times)

        def run(check: Callable[[], None]) -> tuple[Any, Mapping[str, Any]]:
            storage = MemoryStorage()
            if selectors:
                storage = load(_checked(self._ask, check), asked.tenant, selectors, extent, self._sizes).storage
            _add(storage, live)
            notes: dict[Note, None] = {}
            data = evaluate(Resolver(storage, check=check), notes)
            return data, answers.notes(notes)

        return await self._run(run, asked)

    def _live(self, tenant: str, selectors: list[tuple[Matcher, ...]]) -> list[Known]:
        """Copies, made on the event loop, which alone changes them."""
        return [
            Known(Labels(each.labels), list(each.timestamps), list(each.values))
            for each in self._recorded(tenant)
            if not each.labels[NAME].startswith("ALERTS") and any(matches_all(m, each.labels) for m in selectors)
        ]

    async def _run(self, call: Callable[[Callable[[], None]], T], asked: Parameters) -> T:
        seconds = min(asked.duration_ms("timeout", int(LONGEST_SECONDS * 1000)) / 1000, LONGEST_SECONDS)
        deadline = time.monotonic() + seconds
        if self._pending >= WAITING:
            raise Unavailable(f"{WAITING} queries are running or waiting; ask again later")
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, call, partial(_check, deadline, seconds)
            )
        finally:
            self._pending -= 1


def _check(deadline: float, seconds: float) -> None:
    if time.monotonic() > deadline:
        raise Timeout(f"query timed out after {seconds:g} s in expression evaluation")


def _checked(ask: Ask, check: Callable[[], None]) -> Ask:
    def asked(sql: str, output_format: str) -> bytes:
        check()
        return ask(sql, output_format)

    return asked


def _add(storage: MemoryStorage, live: Iterable[Known]) -> None:
    for known in live:
        one = storage.series(known.labels)
        before = bisect_left(one.timestamps, known.timestamps[0]) if known.timestamps else len(one.timestamps)
        one.timestamps[before:], one.values[before:] = known.timestamps, known.values


def _within(known: Known, extent: Extent) -> bool:
    return any(extent.start_ms <= time <= extent.end_ms for time in known.timestamps[:1] + known.timestamps[-1:])
