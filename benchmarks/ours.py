"""Tidewatch's worker as it is shipped, from Kafka to the rows of closed windows.

Variants: ``windows`` has a sink that drops all rows, once those of the windows are noted; ``stored`` writes all of them
to ClickHouse over HTTP. The engine is a process of its own then, whose processor time is reported apart: as that of a
thread called ``engine``, which is not in the sum.
"""

import asyncio
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import uvloop
from faust.types import TP

from benchmarks import events, peer
from benchmarks.engine import Engine
from benchmarks.truth import key
from schemas.config import ClickHouse as Settings
from schemas.config import Config, Http, Kafka, Log, Privacy, Topics, Windows
from schemas.tables import Coded
from sinks.clickhouse import ClickHouse
from streams import worker as pipeline
from streams.privacy.masterkeys import written
from streams.stages.transport import BatchConsumer, BatchTransport
from streams.worker import outside

Columns = Mapping[str, Sequence[Any] | Coded]


class Collected:
    """What has reached the sink. A window may come again with more in it; the last row counts."""

    def __init__(self, task: peer.Task, clock: peer.Clock, raw: bool) -> None:
        self.windows: dict[str, list[Any]] = {}
        self.complete = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._clock = clock
        self._windows_left = task.counted
        self._raw_left = task.counted + events.PARTITIONS if raw else 0

    def take(self, table: str, columns: Columns) -> None:
        """Note rows that are stored. Called from the sink's threads."""
        with self._lock:
            if table == "windows":
                self._take_windows(columns)
            elif table == "raw_metrics" and self._raw_left:
                self._raw_left -= len(columns["_offset"])
            if not self._windows_left and not self._raw_left:
                self._clock.end()
                self._loop.call_soon_threadsafe(self.complete.set)

    def _take_windows(self, columns: Columns) -> None:
        names = ("service", "name", "window_start", "count", "sum", "min", "max", "p95")
        for service, name, start, *found in zip(*(_values(columns[column]) for column in names), strict=True):
            if service == events.SENTINEL:
                continue
            at = key(service, name, start)
            before = self.windows.get(at)
            self._windows_left -= found[0] - (before[0] if before else 0)
            self.windows[at] = found


def _values(column: Sequence[Any] | Coded) -> Sequence[Any]:
    """What is in a column."""
    if isinstance(column, Coded):
        return [column.values[code] for code in column.codes]
    return column.tolist() if isinstance(column, np.ndarray) else column


class Sink(ClickHouse):
    """The real sink, or one that drops its rows once they are noted."""

    def __init__(self, settings: Settings, collected: Collected, drops: bool) -> None:
        super().__init__(settings)
        self._collected = collected
        self._drops = drops

    def insert(self, table: str, columns: Columns, token: str) -> None:
        """Insert rows, or not."""
        if not self._drops or table == "subject_keys":
            super().insert(table, columns, token)
        self._collected.take(table, columns)


class Clock(peer.Clock):
    """The time of a worker, and beside it that of the engine it inserts into."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine
        self._engine_seconds = 0.0

    def begin(self) -> None:
        """Partitions are assigned; later calls do nothing."""
        if self._began is None:
            self._engine_seconds = -self._engine.cpu_seconds()
        super().begin()

    def end(self) -> None:
        """The last row is stored."""
        super().end()
        self._engine_seconds += self._engine.cpu_seconds()

    def thread_seconds(self) -> dict[str, float]:
        """Also the engine's, as a thread of that name."""
        return {**super().thread_seconds(), "engine": self._engine_seconds}


async def run(
    task: peer.Task, clock: peer.Clock, clickhouse: Settings, stored: bool, name: str
) -> dict[str, list[Any]]:
    """Process the whole topic; its windows."""
    collected = Collected(task, clock, raw=stored)

    class Timed(BatchConsumer):
        async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
            clock.begin()
            await super().on_partitions_assigned(assigned, generation_id)

    sink = partial(Sink, collected=collected, drops=not stored)
    with patch.object(outside, "ClickHouse", sink), patch.object(BatchTransport, "Consumer", Timed):
        async with pipeline.running(_config(task, clickhouse, name)) as (_, stages):
            done = asyncio.create_task(collected.complete.wait())
            await asyncio.wait({done, *stages}, return_when=asyncio.FIRST_COMPLETED)
            for stage in stages:
                if stage.done():
                    stage.result()
    return collected.windows


def _config(task: peer.Task, clickhouse: Settings, name: str) -> Config:
    """Defaults, but for windows of 10 s and names of its own."""
    name = f"ours-{task.topic}-{name}"
    own = {topic: f"{name}-{topic}" for topic in ("security", "processing", "panes", "snapshots", "alerts")}
    return Config(
        kafka=Kafka(bootstrap_servers=[task.bootstrap_servers], group=name),
        topics=Topics(metrics=task.topic, dead_letters=f"{name}-dead-letters", **own),
        windows=Windows(sizes=[events.WINDOW_MS // 1000]),
        clickhouse=clickhouse,
        http=Http(port=0),
        privacy=Privacy(keys=written(bytes(32), {1: bytes(32)}, 1)),
        log=Log(level="warning"),
    )


def main() -> None:
    """Run and report."""
    _, variant, *arguments = sys.argv
    task = peer.task(arguments)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name) / "clickhouse"
        if variant == "stored":
            with Engine(directory) as engine:
                clock: peer.Clock = Clock(engine)
                clickhouse = Settings(url=engine.url, password=engine.credential)
                windows = uvloop.run(run(task, clock, clickhouse, True, Path(name).name))
        else:
            clock = peer.Clock()
            clickhouse = Settings(url=f"chdb:{directory}", embedded_port=0)
            windows = uvloop.run(run(task, clock, clickhouse, False, Path(name).name))
    peer.hand_in(task, clock, windows, ["tidewatch"])


if __name__ == "__main__":
    main()
