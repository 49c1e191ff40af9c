"""A publisher that keeps a rate: events of now in real time, and among them probes, whose way is followed.

A probe is an event of a series of its own that crosses a rule's threshold; a while later another one lets it fall
again, so that few alerts are active at a time. A process of its own; its last line on standard output is what it sent.
"""

import argparse
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import cycle, islice
from typing import NamedTuple

import msgspec
from confluent_kafka import Producer

from benchmarks import events

SETTINGS = {"linger.ms": 5, "compression.type": "lz4", "acks": "all"}

_STEP_S = 0.005
_STEP_EVENTS = 5_000
"""At most in one step: whoever is behind its rate shall still say what time it is."""
_LOWERED_AFTER_S = 5.0
_POOL = 50_000
_TIME_LENGTH = len("2026-01-01T00:00:00.000")


class Sent(msgspec.Struct, frozen=True):
    """What one run published. Times are Unix seconds."""

    events: int
    seconds: float
    probes: dict[str, float]
    """By number: when the event was handed to the client that crosses the threshold."""
    windows: dict[str, int]
    """Events by the start of their window, in epoch ms."""


class Form(NamedTuple):
    """An event, less its time."""

    head: bytes
    tail: bytes
    partition: int


class Publisher:
    """Publishes for a while. ``rate``: events a second; infinite: as fast as the broker takes them. ``probes`` too."""

    def __init__(self, bootstrap_servers: str, topic: str, rate: float, seconds: float, probes: float) -> None:
        self._producer = Producer({"bootstrap.servers": bootstrap_servers, **SETTINGS})
        self._topic = topic
        self._rate = rate
        self._seconds = seconds
        self._probes_per_second = probes
        self._windows: Counter[int] = Counter()
        self._probes: dict[str, float] = {}
        self._lower: list[tuple[float, str]] = []
        self._run = int(time.time())

    def run(self) -> Sent:
        """Publish, in steps of some milliseconds."""
        forms, sent, probing = cycle(_forms()), 0, 0.0 if self._probes_per_second else math.inf
        began = time.time()
        now = began + _STEP_S
        while now < began + self._seconds:
            count = int(min((now - began) * self._rate - sent, _STEP_EVENTS))
            self._publish(islice(forms, count), count, now)
            sent += count
            if now >= probing:
                self._probe(now)
                probing = now + random.uniform(0.5, 1.5) / self._probes_per_second
            self._producer.poll(0)
            if self._rate < math.inf:
                time.sleep(max(now + _STEP_S - time.time(), 0))
            now = time.time()
        self._producer.flush()
        windows = {str(start): count for start, count in self._windows.items()}
        return Sent(sent, now - began, self._probes, windows)

    def _publish(self, forms: Iterator[Form], count: int, now: float) -> None:
        text, produce, topic = _text(now), self._producer.produce, self._topic
        for head, tail, partition in forms:
            try:
                produce(topic, head + text + tail, partition=partition)
            except BufferError:  # the broker takes no more
                self._producer.flush()
                produce(topic, head + text + tail, partition=partition)
        self._count(now, count)

    def _probe(self, now: float) -> None:
        """Let the next one rise, and those that have been up for long enough fall."""
        number = f"{self._run}-{len(self._probes)}"
        self._probes[number] = now
        self._lower.append((now + _LOWERED_AFTER_S, number))
        self._produce_probe(number, 1, now)
        while self._lower[0][0] <= now:
            self._produce_probe(self._lower.pop(0)[1], 0, now)

    def _produce_probe(self, number: str, value: int, now: float) -> None:
        partition = int(number.partition("-")[2]) % events.PARTITIONS
        envelope = f'"specversion":"1.0","type":"tidewatch.metric","id":"probe-{number}-{value}","source":"/probe"'
        data = f'"service":"probe-{partition}","name":"probe","kind":"gauge","value":{value}'
        text = f'{{{envelope},"time":"{_text(now).decode()}Z","data":{{{data},"labels":{{"probe":"{number}"}}}}}}'
        self._producer.produce(self._topic, text.encode(), partition=partition)
        self._count(now, 1)

    def _count(self, now: float, count: int) -> None:
        milliseconds = int(now * 1000)
        self._windows[milliseconds - milliseconds % events.WINDOW_MS] += count


def _forms() -> list[Form]:
    chunk = next(events.chunks(_POOL + events.PARTITIONS))
    found = []
    for record, partition in zip(chunk.records, chunk.partitions.tolist(), strict=True):
        at = record.index(b'"time":"') + len('"time":"')
        found.append(Form(record[:at], record[at + _TIME_LENGTH :], partition))
    return found


def _text(now: float) -> bytes:
    return datetime.fromtimestamp(int(now * 1000) / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:_TIME_LENGTH].encode()


def main() -> None:
    """Publish as the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("bootstrap_servers")
    parser.add_argument("topic")
    parser.add_argument("rate", type=float)
    parser.add_argument("seconds", type=float)
    parser.add_argument("probes", type=float, help="a second")
    given = parser.parse_args()
    sent = Publisher(given.bootstrap_servers, given.topic, given.rate, given.seconds, given.probes).run()
    sys.stdout.write(msgspec.json.encode(sent).decode() + "\n")


if __name__ == "__main__":
    main()
