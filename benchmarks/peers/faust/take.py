"""Faust as its documentation recommends for speed: an agent that takes up to 5,000 events at a time.

Decoding is by msgspec, which is faster than Faust's records, and the windows are dictionaries: Faust's own windowed
tables are several times slower.
"""

import asyncio
import sys
import tempfile
from collections import defaultdict
from typing import Any

import faust

from benchmarks import peer
from benchmarks.peers.event import decode
from benchmarks.peers.windows import Windows


async def run(task: peer.Task, clock: peer.Clock, datadir: str) -> dict[str, list[Any]]:
    """Fold the whole topic."""
    app = faust.App(
        f"faust-take-{task.file.name}",
        broker=f"kafka://{task.bootstrap_servers}",
        consumer_auto_offset_reset="earliest",
        topic_disable_leader=True,
        web_enabled=False,
        datadir=datadir,
        autodiscover=False,
    )
    partitions: dict[int, Windows] = defaultdict(Windows)
    closed: dict[str, list[Any]] = {}
    finished = asyncio.Event()

    async def assigned(*_: Any, **__: Any) -> None:
        clock.begin()

    async def agent(stream: Any) -> None:
        left = task.counted
        async for batch in stream.take_events(5000, within=0.2):
            events = defaultdict(list)
            for event in batch:
                events[event.message.partition].append(decode(event.value))
            for partition, decoded in events.items():
                windows = partitions[partition]
                windows.fold(decoded)
                left -= windows.close(closed)
            if not left:
                clock.end()
                finished.set()

    app.on_partitions_assigned.connect(assigned)
    app.agent(app.topic(task.topic, value_serializer="raw", key_serializer="raw"))(agent)
    await app.start()
    await finished.wait()
    await app.stop()
    return closed


def main() -> None:
    """Run and report."""
    task, clock = peer.task(sys.argv), peer.Clock()
    with tempfile.TemporaryDirectory() as datadir:
        windows = asyncio.run(run(task, clock, datadir))
    peer.hand_in(task, clock, windows, ["faust-streaming", "aiokafka", "msgspec"])


if __name__ == "__main__":
    main()
