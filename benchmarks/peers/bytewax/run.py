"""A dataflow by Bytewax's documentation, in the forms that it says are fast: mappers of whole batches, unordered folds.

Its event clock also advances with the system's, which loses events whenever a backlog is read more slowly than they
came; here the system's stands still, for which there is a parameter. Time passes for each key alone, so that sentinels
cannot close the last windows: ``tail=False`` ends the dataflow with the topic, which does.
"""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from math import ceil, log2
from typing import Any

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.operators.windowing import EventClock, TumblingWindower, fold_window
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

from benchmarks import peer
from benchmarks.peers.event import Event, decode
from benchmarks.peers.windows import OUT_OF_ORDERNESS_MS, SENTINEL, WINDOW_MS, State, label, row

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Closed(DynamicSink, StatelessSinkPartition):
    """Keeps the windows that come out, until all events are in them."""

    def __init__(self, task: peer.Task, clock: peer.Clock) -> None:
        self.windows: dict[str, list[Any]] = {}
        self._left, self._clock = task.counted, clock

    def build(self, *_: Any) -> "Closed":
        """The partition of the only worker."""
        return self

    def write_batch(self, items: Iterable[tuple[str, tuple[int, State]]]) -> None:
        """Take windows, which Bytewax numbers from ``align_to`` on."""
        for key, (number, state) in items:
            service, name, _ = key.split(" ", 2)
            if service != SENTINEL:
                self.windows[label(service, name, number * WINDOW_MS)] = row(state)
                self._left -= state[0]
        if self.complete:
            self._clock.end()

    @property
    def complete(self) -> bool:
        """Whether all events are in windows."""
        return self._left == 0


def keyed(messages: Iterable[KafkaSourceMessage[bytes, bytes]]) -> list[tuple[str, Event]]:
    """A batch of events with their keys."""
    return [(message.key.decode(), decode(message.value)) for message in messages]


def add(state: State, event: Event) -> State:
    """A window with one more event."""
    value = event.data.value
    index = ceil(log2(value) * 64) - 1
    if not state:
        return [1, value, value, value, {index: 1}]
    state[0] += 1
    state[1] += value
    if value < state[2]:
        state[2] = value
    elif value > state[3]:
        state[3] = value
    buckets = state[4]
    buckets[index] = buckets.get(index, 0) + 1
    return state


def merge(one: State, other: State) -> State:
    """Two windows as one; tumbling windows never are."""
    raise AssertionError(one, other)


def main() -> None:
    """Run and report."""
    task, clock = peer.task(sys.argv), peer.Clock()
    closed, flow = Closed(task, clock), Dataflow("windows")
    messages = op.input("kafka", flow, KafkaSource([task.bootstrap_servers], [task.topic], tail=False))
    events = op.flat_map_batch("decode", messages, keyed)
    clocked = EventClock(
        ts_getter=lambda event: event.time,
        wait_for_system_duration=timedelta(milliseconds=OUT_OF_ORDERNESS_MS),
        now_getter=lambda: _EPOCH,
        to_system_utc=lambda _: None,
    )
    windower = TumblingWindower(length=timedelta(milliseconds=WINDOW_MS), align_to=_EPOCH)
    windows = fold_window("fold", events, clocked, windower, list, add, merge, ordered=False)
    op.output("closed", windows.down, closed)
    clock.begin()
    run_main(flow)
    if not closed.complete:
        raise SystemExit("the dataflow ended before all events were in closed windows")
    peer.hand_in(task, clock, closed.windows, ["bytewax", "confluent-kafka", "msgspec"])


if __name__ == "__main__":
    main()
