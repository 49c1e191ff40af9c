"""A loop around confluent-kafka: ``consume`` in batches, which its documentation advises for throughput."""

import sys
from collections import defaultdict
from typing import Any

from confluent_kafka import Consumer

from benchmarks import peer
from benchmarks.peers.event import decode
from benchmarks.peers.windows import Windows


def run(task: peer.Task, clock: peer.Clock) -> dict[str, list[Any]]:
    """Fold the whole topic."""
    settings = {
        "bootstrap.servers": task.bootstrap_servers,
        "group.id": f"confluent-{task.file.name}",
        "auto.offset.reset": "earliest",
    }
    consumer = Consumer(settings)
    partitions: dict[int, Windows] = defaultdict(Windows)
    closed: dict[str, list[Any]] = {}
    consumer.subscribe([task.topic], on_assign=lambda *_: clock.begin())
    left = task.counted
    while left > 0:
        events: dict[int, list[Any]] = defaultdict(list)
        for message in consumer.consume(10_000, timeout=0.2):
            if message.error():
                raise SystemExit(str(message.error()))
            events[message.partition()].append(decode(message.value()))
        for partition, decoded in events.items():
            windows = partitions[partition]
            windows.fold(decoded)
            left -= windows.close(closed)
    clock.end()
    consumer.close()
    return closed


def main() -> None:
    """Run and report."""
    task, clock = peer.task(sys.argv), peer.Clock()
    peer.hand_in(task, clock, run(task, clock), ["confluent-kafka", "msgspec"])


if __name__ == "__main__":
    main()
