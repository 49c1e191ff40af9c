"""One worker of a group, as it is shipped, but for a sink that drops its rows once they are counted.

It joins, says how many partitions it has, waits for ``go`` on standard input, then says how much has come out, until
its input ends. Every line it prints is JSON, a :class:`Said`.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import numpy as np
import uvloop

from benchmarks.scale.load import SENTINEL, WINDOW_MS
from schemas.config import ClickHouse as Settings
from schemas.config import Config, Http, Kafka, Limits, Log, Topics, Windows
from schemas.tables import Coded
from sinks.clickhouse import ClickHouse
from streams import worker as pipeline
from streams.stages.transport import Backlog
from streams.worker import outside

_TELL_SECONDS = 0.05


class Said(msgspec.Struct, frozen=True):
    """What a worker says of itself."""

    partitions: int
    counted: int
    """Events in windows that were written."""
    rows: int
    """Windows that were written."""
    cpu_seconds: float
    rss_bytes: int
    """Now."""
    peak_bytes: int
    """The most it ever was."""


class Counting(ClickHouse):
    """Drops rows; of each window the last one counts."""

    def __init__(self, settings: Settings, counts: dict[Any, int]) -> None:
        super().__init__(settings)
        self._counts = counts

    def insert(self, table: str, columns: Mapping[str, Sequence[Any] | Coded], token: str) -> None:
        """Note the counts of windows."""
        if table == "subject_keys":
            super().insert(table, columns, token)
        if table != "windows":
            return
        names = ("service", "name", "labels", "window_start", "count")
        for service, *window, count in zip(*(_values(columns[name]) for name in names), strict=True):
            if not service.startswith(SENTINEL):
                self._counts[hash((service, *window))] = count


def _values(column: Any) -> Sequence[Any]:
    if isinstance(column, Coded):
        return [column.values[code] for code in column.codes]
    return column.tolist() if isinstance(column, np.ndarray) else column  # type: ignore[no-any-return]


class Gate(Backlog):
    """Holds the worker back until it is told to go."""

    opened = asyncio.Event()

    async def room(self) -> None:
        """Wait for the word, too."""
        await self.opened.wait()
        await super().room()


async def run(bootstrap_servers: str, topic: str, group: str, directory: Path) -> None:
    """Process until standard input ends."""
    counts: dict[Any, int] = {}
    with (
        patch.object(outside, "ClickHouse", partial(Counting, counts=counts)),
        patch("streams.app.Backlog", Gate),
    ):
        async with pipeline.running(_config(bootstrap_servers, topic, group, directory)) as (worker, stages):
            words = asyncio.create_task(_listen())
            while not words.done():
                owned = [at for at in worker.ingest.consumer().owned if at.topic == topic]
                _say(Said(len(owned), sum(counts.values()), len(counts), time.process_time(), *_memory()))
                done, _ = await asyncio.wait(stages, timeout=_TELL_SECONDS)
                for stage in done:
                    stage.result()
    sys.stdout.flush()
    os._exit(0)  # the thread that reads standard input would be waited for


async def _listen() -> None:
    """``go`` opens the gate; the end of input ends the worker."""
    while await asyncio.to_thread(sys.stdin.readline):
        Gate.opened.set()


def _memory() -> tuple[int, int]:
    """Resident bytes: now, and at most; see proc_pid_status(5)."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines["VmRSS"].split()[0]) * 1024, int(lines["VmHWM"].split()[0]) * 1024


def _say(said: Said) -> None:
    print(msgspec.json.encode(said).decode(), flush=True)


def _config(bootstrap_servers: str, topic: str, group: str, directory: Path) -> Config:
    """Defaults, but for windows of 10 s, room for all series, and names of its own."""
    names = ("security", "processing", "panes", "snapshots", "alerts", "dead_letters")
    return Config(
        kafka=Kafka(bootstrap_servers=[bootstrap_servers], group=group),
        topics=Topics(metrics=topic, **{name: f"{group}-{name}" for name in names}),
        windows=Windows(sizes=[WINDOW_MS // 1000]),
        limits=Limits(series_per_tenant=10_000_000),
        clickhouse=Settings(url=f"chdb:{directory}/clickhouse", embedded_port=0),
        http=Http(port=0),
        log=Log(level="warning"),
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        bootstrap_servers, topic, group = sys.argv[1:]
        uvloop.run(run(bootstrap_servers, topic, group, Path(name)))
