"""A tumbling window by Pathway's documentation, with the behaviour that lets each window out once, when it is closed.

All but the percentile is Pathway's own, from decoding on. ``static`` ends the computation with the topic, as sentinels
cannot close the last windows: time is that of the partition that is ahead, so that a window has to wait for the others.
"""

import sys
from collections import Counter
from typing import Any

import pathway as pw

from benchmarks import peer
from benchmarks.peers.windows import SENTINEL, WINDOW_MS, bucket, label, p95

WAIT = pw.Duration(seconds=20)
"""How far a partition may be behind another."""

FIELDS = ("service", "name", "kind", "value", "labels")


class Event(pw.Schema, append_only=True):
    """The columns of a CloudEvent. A record that has not these types is refused."""

    time: str
    service: str
    name: str
    kind: str
    value: float
    labels: pw.Json


class Closed:
    """Keeps the windows that come out, until all events are in them."""

    def __init__(self, task: peer.Task, clock: peer.Clock) -> None:
        self.windows: dict[str, list[Any]] = {}
        self._left, self._clock = task.counted, clock

    def __call__(self, key: Any, row: dict[str, Any], time: int, is_addition: bool) -> None:
        """Take one."""
        service, name, _ = row["series"]
        if service != SENTINEL:
            start_ms = round(row["start"].timestamp() * 1000)
            in_bounds = min(max(row["p95"], row["min"]), row["max"])
            self.windows[label(service, name, start_ms)] = [row["count"], row["sum"], row["min"], row["max"], in_bounds]
            self._left -= row["count"]
        if self.complete:
            self._clock.end()

    @property
    def complete(self) -> bool:
        """Whether all events are in windows."""
        return self._left == 0


@pw.udf
def percentile(values: tuple[float, ...]) -> float:
    """The 95th of a window's values, from buckets that could be merged."""
    return p95(len(values), Counter(map(bucket, values)))


def windows(task: peer.Task) -> pw.Table:
    """The topic's events in windows."""
    kafka = {
        "bootstrap.servers": task.bootstrap_servers,
        "group.id": f"pathway-{task.file.name}",
        "auto.offset.reset": "earliest",
    }
    paths = {field: f"/data/{field}" for field in FIELDS}
    events = pw.io.kafka.read(
        kafka, topic=task.topic, schema=Event, format="json", json_field_paths=paths, mode="static"
    )
    values = events.select(
        series=pw.make_tuple(pw.this.service, pw.this.name, pw.this.labels),
        time=pw.this.time.dt.strptime("%Y-%m-%dT%H:%M:%S%.fZ"),
        value=pw.this.value,
    )
    tumbling = pw.temporal.tumbling(pw.Duration(milliseconds=WINDOW_MS))
    once = pw.temporal.exactly_once_behavior(WAIT)
    reduced = values.windowby(pw.this.time, window=tumbling, instance=pw.this.series, behavior=once).reduce(
        series=pw.this._pw_instance,
        start=pw.this._pw_window_start,
        count=pw.reducers.count(),
        sum=pw.reducers.sum(pw.this.value),
        min=pw.reducers.min(pw.this.value),
        max=pw.reducers.max(pw.this.value),
        values=pw.reducers.tuple(pw.this.value),
    )
    return reduced.select(*pw.this.without("values"), p95=percentile(pw.this.values))


def main() -> None:
    """Run and report."""
    task, clock = peer.task(sys.argv), peer.Clock()
    closed = Closed(task, clock)
    pw.io.subscribe(windows(task), on_change=closed)
    clock.begin()
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)
    if not closed.complete:
        raise SystemExit("the computation ended before all events were in closed windows")
    peer.hand_in(task, clock, closed.windows, ["pathway"])


if __name__ == "__main__":
    main()
