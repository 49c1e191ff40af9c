"""A loop around aiokafka: ``getmany``, which its documentation calls the efficient way, on uvloop."""

import sys
from collections import defaultdict
from typing import Any

import uvloop
from aiokafka import AIOKafkaConsumer

from benchmarks import peer
from benchmarks.peers.event import decode
from benchmarks.peers.windows import Windows


async def run(task: peer.Task, clock: peer.Clock) -> dict[str, list[Any]]:
    """Fold the whole topic."""
    consumer = AIOKafkaConsumer(
        task.topic,
        bootstrap_servers=task.bootstrap_servers,
        group_id=f"aiokafka-{task.file.name}",
        auto_offset_reset="earliest",
        session_timeout_ms=45_000,  # librdkafka's and Java's default; aiokafka's 10 s are little on a busy machine
    )
    partitions: dict[int, Windows] = defaultdict(Windows)
    closed: dict[str, list[Any]] = {}
    await consumer.start()
    clock.begin()
    left = task.counted
    while left > 0:
        fetched = await consumer.getmany(timeout_ms=200, max_records=10_000)
        for tp, records in fetched.items():
            windows = partitions[tp.partition]
            windows.fold([decode(record.value) for record in records])
            left -= windows.close(closed)
    clock.end()
    await consumer.stop()
    return closed


def main() -> None:
    """Run and report."""
    task, clock = peer.task(sys.argv), peer.Clock()
    peer.hand_in(task, clock, uvloop.run(run(task, clock)), ["aiokafka", "msgspec", "uvloop"])


if __name__ == "__main__":
    main()
