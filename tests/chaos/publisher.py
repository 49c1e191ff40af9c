"""Publishes the truth at its own pace, through every outage of the broker."""

import time
from collections.abc import Mapping
from threading import Event, Thread
from typing import Any

from confluent_kafka import Producer

from tests.chaos.truth import PARTITIONS, TOPICS, Truth

_QUEUED = 200_000
"""Records that wait for the broker, before event time stands still."""


class Publisher:
    """Publishes all of ``truth`` within about ``seconds``; idempotent, so that the broker has each record once."""

    def __init__(self, bootstrap: str, topics: Mapping[str, str], truth: Truth, seconds: float) -> None:
        options = {"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 20, "log_level": 0}
        queue = {"queue.buffering.max.messages": 1_000_000, "message.timeout.ms": 900_000, "compression.type": "zstd"}
        self._producer = Producer({**options, **queue})
        self._topics, self._truth, self._seconds = topics, truth, seconds
        self._failed: list[str] = []
        self.published = 0
        """Seconds of event time."""
        self._stopped = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def first_second(self) -> None:
        """Every partition gets what it begins with: until all of them have, event time does not pass."""
        self._second(0)
        self._flush()

    def start(self) -> None:
        """Publish the rest, beside the caller."""
        self._thread.start()

    def stop(self) -> None:
        """Break off."""
        self._stopped.set()

    @property
    def is_busy(self) -> bool:
        """Whether there is more to publish."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Publish what closes every window, when all else is published."""
        self._thread.join()
        value = [{"value": self._truth.closing()}]
        for topic in TOPICS:
            for partition in range(PARTITIONS):
                self._send(topic, partition, value)
        self._flush()

    def _run(self) -> None:
        began = time.monotonic()
        for number in range(1, self._truth.seconds):
            self._second(number)
            due = began + number * self._seconds / self._truth.seconds
            while not self._stopped.is_set() and (time.monotonic() < due or len(self._producer) > _QUEUED):
                self._producer.poll(0.05)
            if self._stopped.is_set():
                return

    def _second(self, number: int) -> None:
        for topic in TOPICS:
            messages = [{"value": value} for value in self._truth.second(topic, number)]
            for partition in range(PARTITIONS):
                poison = self._truth.poison(topic, partition, number)
                self._send(topic, partition, messages if poison is None else [*messages, {"value": poison}])
        self._producer.poll(0)
        self.published = number + 1

    def _send(self, topic: str, partition: int, messages: list[dict[str, bytes]]) -> None:
        sent = self._producer.produce_batch(self._topics[topic], messages, partition, self._delivered)
        assert sent == len(messages), "the producer's queue is full"

    def _delivered(self, error: Any, _: Any) -> None:
        if error:
            self._failed.append(str(error))

    def _flush(self) -> None:
        left = self._producer.flush(120)
        assert not left, f"{left} records cannot be published"
        assert not self._failed, self._failed[0]
