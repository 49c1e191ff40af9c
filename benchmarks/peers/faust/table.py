"""Faust's windowed Table, by its documentation: records, a tumbling window relative to a field, a changelog.

When windows are over is decided here, as Faust cannot: it compares event time with the wall clock, and its
``on_window_close`` is called for one partition's share of a window only (0.15.3, faust/tables/base.py).
"""

import asyncio
import sys
import tempfile
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import faust

from benchmarks import peer
from benchmarks.peers.windows import OUT_OF_ORDERNESS_MS, WINDOW_MS, bucket, label, row


class Data(faust.Record, serializer="json"):
    """One observation."""

    service: str
    name: str
    kind: str
    value: float
    labels: dict[str, str]


class Event(faust.Record, serializer="json", coerce=True):
    """One CloudEvent."""

    specversion: str
    type: str
    id: str
    source: str
    time: datetime
    data: Data


class Closing:
    """Which windows of the table are over, by the event time of their partition."""

    def __init__(self, table: Any) -> None:
        self._table = table
        self._open: dict[int, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._high_ms: dict[int, int] = defaultdict(int)

    def note(self, partition: int, key: str, time_ms: int) -> None:
        """An event was added."""
        self._open[partition][time_ms - time_ms % WINDOW_MS].add(key)
        self._high_ms[partition] = max(self._high_ms[partition], time_ms)

    def close(self, partition: int, closed: dict[str, list[Any]]) -> int:
        """Move the windows that are over to ``closed``; how many events were in them."""
        counted, windows = 0, self._open[partition]
        before_ms = self._high_ms[partition] - OUT_OF_ORDERNESS_MS
        for start_ms in [start for start in windows if start + WINDOW_MS <= before_ms]:
            for key in windows.pop(start_ms):
                service, name, _ = key.split(" ", 2)
                [bounds] = self._table.window.ranges(start_ms / 1000)
                count, total, low, high, buckets = self._table.pop((key, bounds))
                closed[label(service, name, start_ms)] = row([count, total, low, high, buckets])
                counted += count
        return counted


async def run(task: peer.Task, clock: peer.Clock, datadir: str) -> dict[str, list[Any]]:
    """Fold the whole topic."""
    app = faust.App(
        f"faust-table-{task.file.name}",
        broker=f"kafka://{task.bootstrap_servers}",
        consumer_auto_offset_reset="earliest",
        topic_disable_leader=True,
        topic_partitions=8,
        web_enabled=False,
        datadir=datadir,
        autodiscover=False,
    )
    table = app.Table("windows", default=list).tumbling(timedelta(milliseconds=WINDOW_MS)).relative_to_field(Event.time)
    closing, finished = Closing(table.table), asyncio.Event()
    closed: dict[str, list[Any]] = {}

    async def assigned(*_: Any, **__: Any) -> None:
        clock.begin()

    async def agent(stream: Any) -> None:
        left = task.counted
        async for event in stream.events():
            key, metric, partition = event.key, event.value, event.message.partition
            table[key] = _added(table[key].value(), metric.data.value)
            closing.note(partition, key, round(metric.time.timestamp() * 1000))
            left -= closing.close(partition, closed)
            if not left:
                clock.end()
                finished.set()

    app.on_partitions_assigned.connect(assigned)
    app.agent(app.topic(task.topic, key_type=str, value_type=Event))(agent)
    await app.start()
    await finished.wait()
    await app.stop()
    return closed


def _added(state: list[Any], value: float) -> list[Any]:
    """A window with one more value."""
    index = bucket(value)
    if not state:
        return [1, value, value, value, {index: 1}]
    count, total, low, high, buckets = state
    buckets[index] = buckets.get(index, 0) + 1
    return [count + 1, total + value, min(low, value), max(high, value), buckets]


def main() -> None:
    """Run and report."""
    task, clock = peer.task(sys.argv), peer.Clock()
    with tempfile.TemporaryDirectory() as datadir:
        windows = asyncio.run(run(task, clock, datadir))
    peer.hand_in(task, clock, windows, ["faust-streaming", "aiokafka"])


if __name__ == "__main__":
    main()
