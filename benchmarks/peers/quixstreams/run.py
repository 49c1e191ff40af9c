"""A tumbling window by Quix Streams' documentation: event time from a timestamp extractor, closed by partition.

Of its two ways to aggregate, collecting a window's values and reducing them when it closes is the one that its
documentation calls optimised; measured, it takes three quarters of what five aggregators take.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from typing import Any

from quixstreams import Application
from quixstreams.dataframe.windows.aggregations import Collector
from quixstreams.models import Deserializer, SerializationContext

from benchmarks import peer
from benchmarks.peers.event import Event, decode
from benchmarks.peers.windows import OUT_OF_ORDERNESS_MS, SENTINEL, WINDOW_MS, State, bucket, label, row


class EventDeserializer(Deserializer):
    """msgspec, which is faster than the default and validates."""

    def __call__(self, value: bytes, ctx: SerializationContext) -> Event:
        """Decode."""
        return decode(value)


class Statistics(Collector):
    """Count, sum, min, max and buckets of a window."""

    def result(self, items: Iterable[float]) -> State:
        """Of the values that were collected."""
        values = list(items)
        return [len(values), sum(values), min(values), max(values), Counter(map(bucket, values))]


def run(task: peer.Task, clock: peer.Clock, state_dir: str) -> dict[str, list[Any]]:
    """Fold the whole topic."""
    app = Application(
        broker_address=task.bootstrap_servers,
        consumer_group=f"quix-{task.file.name}",
        auto_offset_reset="earliest",
        state_dir=state_dir,
        loglevel="WARNING",
    )
    closed: dict[str, list[Any]] = {}
    left = task.counted

    def event_time(event: Event, *_: Any) -> int:
        clock.begin()
        return round(event.time.timestamp() * 1000)

    def close(window: dict[str, Any], key: str, *_: Any) -> None:
        nonlocal left
        service, name, _labels = key.split(" ", 2)
        if service != SENTINEL:
            closed[label(service, name, window["start"])] = row(window["statistics"])
            left -= window["statistics"][0]
        if not left:
            clock.end()
            app.stop()

    topic = app.topic(
        task.topic, key_deserializer="str", value_deserializer=EventDeserializer(), timestamp_extractor=event_time
    )
    values = app.dataframe(topic).apply(lambda event: event.data.value)
    windows = values.tumbling_window(WINDOW_MS, grace_ms=OUT_OF_ORDERNESS_MS).agg(statistics=Statistics())
    windows.final(closing_strategy="partition").update(close, metadata=True)
    app.run()
    return closed


def main() -> None:
    """Run and report."""
    task, clock = peer.task(sys.argv), peer.Clock()
    with tempfile.TemporaryDirectory() as state_dir:
        windows = run(task, clock, state_dir)
    peer.hand_in(task, clock, windows, ["quixstreams", "confluent-kafka", "msgspec"])


if __name__ == "__main__":
    main()
