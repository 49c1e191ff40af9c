"""Looks at a running demo, through the worker's own counters and through ClickHouse, and keeps the state to show."""

import asyncio
import time
from collections import deque
from datetime import UTC, datetime

from prometheus_client import Counter

from demo import figures
from demo.replay import Replay
from demo.state import State
from demo.story import SECONDS
from schemas.failures import Unavailable
from streams.worker import Worker

LOOK_SECONDS = 0.25
QUERY_SECONDS = 1.0
_RATE_LOOKS = 12
"""Looks over which events per second are averaged."""


class Watch:
    """Fills ``state``; ``replay`` is None until there is one."""

    def __init__(self, state: State, worker: Worker, forever: bool) -> None:
        self.state = state
        self.worker = worker
        self.forever = forever
        self.replay: Replay | None = None
        self._began = time.monotonic()
        self._looks: deque[tuple[float, int]] = deque(maxlen=_RATE_LOOKS)
        self._queried = 0.0

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            self.look()
            if time.monotonic() - self._queried >= QUERY_SECONDS:
                await self.ask()
                self._queried = time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Take what the worker counts by itself."""
        state, now = self.state, time.monotonic()
        state.seconds = now - self._began
        state.stored = stored(self.worker)
        self._looks.append((now, state.stored))
        (first, before), (last, after) = self._looks[0], self._looks[-1]
        state.per_second = (after - before) / (last - first) if last > first else 0.0
        clock = clock_ms(self.worker)
        state.clock = datetime.fromtimestamp(clock / 1000, UTC) if clock else None
        if self.replay is not None:
            state.published = self.replay.published
            state.round = int(self.replay.at // SECONDS) if self.forever else 0
            state.progress = min(self.replay.at / SECONDS - state.round, 1.0)

    async def ask(self) -> None:
        """Take what ClickHouse says; a query that fails is put again the next time."""
        try:
            await asyncio.to_thread(self._ask)
        except Unavailable:
            return

    def _ask(self) -> None:
        clickhouse, state = self.worker.clickhouse, self.state
        found = figures.counts(clickhouse)
        state.dead_letters, state.windows = found["dead_letters"], found["windows"]
        state.levels = figures.levels(clickhouse)
        state.scores = figures.scores(clickhouse)
        state.transitions = figures.transitions(clickhouse)
        state.alerts = figures.alerts(clickhouse)


def stored(worker: Worker) -> int:
    """Records that the worker has dealt with: raw rows and dead letters."""
    return int(total(worker.metrics.events_total) + total(worker.metrics.dead_letters_total))


def stored_bytes(worker: Worker) -> int:
    """Bytes of record values that the worker has read and that no longer wait in it."""
    return int(total(worker.metrics.record_bytes_total)) - worker.ingest.consumer().backlog.bytes


def clock_ms(worker: Worker) -> int:
    """Event time of the tenants, epoch milliseconds; 0 before the first event."""
    return max((shard.watermark.reached() for shard in worker.windows.shards.values() if shard.tenants), default=0)


def total(counter: Counter) -> float:
    """A counter over all its labels."""
    samples = (sample for metric in counter.collect() for sample in metric.samples)
    return sum(sample.value for sample in samples if sample.name.endswith("_total"))
