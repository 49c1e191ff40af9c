"""Who looks out for events at the end of their ways, each in a thread: notes when something was there first.

All times are Unix seconds of this machine's clock, which is the publisher's too.
"""

import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import OFFSET_END, Consumer, TopicPartition

from benchmarks import events
from streams.windows import deltas
from streams.windows.deltas import PaneDelta
from streams.windows.panes import Series
from tests.servers.alertmanager import Webhook

PROBE = "probe"
_POLL_S = 0.05
_SETTLED_S = 1.0
"""A window whose rows have not changed for so long is taken for complete; the count published decides afterwards."""


class Panes:
    """When a probe is in a window: its increment is in the log that the windows are made of."""

    def __init__(self, bootstrap_servers: str, topic: str, partitions: int) -> None:
        self.seen: dict[str, float] = {}
        settings = {"bootstrap.servers": bootstrap_servers, "group.id": "benchmark", "enable.auto.commit": False}
        self._consumer = Consumer({**settings, "fetch.wait.max.ms": 100})
        self._consumer.assign([TopicPartition(topic, number, OFFSET_END) for number in range(partitions)])

    def watch(self, stop: threading.Event) -> None:
        """Until told to stop."""
        while not stop.is_set():
            messages = self._consumer.consume(500, 0.01)
            now = time.time()
            for message in messages:
                value = message.value()
                if message.error() is None and value and PROBE.encode() in value:
                    self._take(value, now)
        self._consumer.close()

    def _take(self, value: bytes, now: float) -> None:
        delta = deltas.decode(value)
        if isinstance(delta, PaneDelta):
            for series in map(Series.unpacked, delta.series):
                if series.name == PROBE:
                    self.seen.setdefault(dict(series.labels)[PROBE], now)


class Rows:
    """How many events the rows of a window hold, whenever that changes."""

    def __init__(self, clickhouse_port: int) -> None:
        self.seen: dict[int, list[tuple[float, int]]] = {}
        """By start of the window in epoch ms: (when, events)."""
        self._url = f"http://127.0.0.1:{clickhouse_port}/?"

    def watch(self, stop: threading.Event) -> None:
        """Look at every window once it has ended, until its rows are settled."""
        while not stop.is_set():
            start = int(time.time() * 1000) // events.WINDOW_MS * events.WINDOW_MS
            end = (start + events.WINDOW_MS) / 1000
            if stop.wait(end - time.time()):
                return
            self._follow(start, end)

    def _follow(self, start: int, end: float) -> None:
        changes = self.seen.setdefault(start, [])
        now = time.time()
        while now < end + 0.8 * events.WINDOW_MS / 1000:
            count = self._count(start)
            if count and (not changes or changes[-1][1] != count):
                changes.append((time.time(), count))
            elif changes and now - changes[-1][0] > _SETTLED_S:
                return
            time.sleep(_POLL_S)
            now = time.time()

    def _count(self, start: int) -> int:
        where = f"window_seconds = {events.WINDOW_MS // 1000} AND window_start = fromUnixTimestamp64Milli({start})"
        sql = f"SELECT sum(count) FROM windows FINAL WHERE {where}"
        with urllib.request.urlopen(self._url + urllib.parse.urlencode({"query": sql}), timeout=10) as answer:
            return int(answer.read() or 0)


def first_firing(webhook: Webhook) -> dict[str, float]:
    """When each probe was first told as firing, to a receiver of notifications or of an Alertmanager's own API."""
    found: dict[str, float] = {}
    for when, payload in zip(list(webhook.arrived_at), list(webhook.payloads), strict=False):
        for alert in _alerts(payload):
            if PROBE in alert["labels"] and alert.get("status", "firing") == "firing":
                found.setdefault(alert["labels"][PROBE], when)
    return found


def _alerts(payload: Any) -> list[dict[str, Any]]:
    return payload if isinstance(payload, list) else payload["alerts"]


@contextmanager
def watching(*watchers: Panes | Rows) -> Iterator[None]:
    """Run the watchers beside what happens inside."""
    stop = threading.Event()
    threads = [threading.Thread(target=watcher.watch, args=(stop,), daemon=True) for watcher in watchers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
