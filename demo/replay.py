"""The publisher of the demo: sends the story at its pace, and never further ahead than the embedded broker can keep.

Back-pressure: the embedded broker drops what is older than 5 MiB a partition, read or not; so no more than
``AHEAD_BYTES`` are sent and not yet stored, by the worker's own count.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

import msgspec

from demo.broken import Broken
from demo.story import BEGIN, SECONDS, Item
from schemas import cloudevents
from schemas.events import Event
from sinks.kafka import Publisher, key_of, topic_of
from streams.pacing import moved

AHEAD_BYTES = 2 * 1024 * 1024
"""Of all partitions together, before compression; a partition of the broker keeps 5 MiB."""

_LOOK_BYTES = 64 * 1024
"""Bytes sent between two looks at what the worker has stored."""

_PAUSE_SECONDS = 0.02


class Replay:
    """Sends rounds of the story. Instants are Unix seconds; ``clock`` and ``sleep`` are those of the machine."""

    def __init__(
        self,
        publisher: Publisher,
        stored_bytes: Callable[[], int],
        speed: float,
        begin: float,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.publisher = publisher
        self.stored_bytes = stored_bytes
        self.speed = speed
        self.begin = begin
        """The event time of the story's second 0."""
        self.clock = clock
        self.sleep = sleep
        self.at = 0.0
        """How far it has come, seconds of event time since ``begin``."""
        self._sent_bytes = self._looked_bytes = 0
        self._started: float | None = None

    @property
    def published(self) -> int:
        """Records that the broker has taken."""
        return self.publisher.delivered

    async def send(self, items: Iterable[Item], round_: int = 0) -> None:
        """Send one round; those after the first follow it in event time, under ids of their own.

        Raises ``Unavailable`` when the broker does not answer.
        """
        before = round_ * SECONDS
        shift = self.begin + before - BEGIN.timestamp()
        for at, what in items:
            await self._due(before + at)
            await self._room()
            if isinstance(what, Broken):
                await self._send(self.publisher.topics.metrics, what.key, what.value)
            else:
                event = moved(_renamed(what, round_), shift)
                await self._send(topic_of(event, self.publisher.topics), key_of(event), cloudevents.encode(event))
            self.at = before + at

    async def _due(self, at: float) -> None:
        """Wait for the pace, and never be ahead of the clock: then the story goes on in real time."""
        now = self.clock()
        if self._started is None:
            self._started = now - at / self.speed
        due = max(self._started + at / self.speed, self.begin + at)
        await self.sleep(max(due - now, 0.0))

    async def _room(self) -> None:
        if self._sent_bytes - self._looked_bytes < _LOOK_BYTES:
            return
        self._looked_bytes = self._sent_bytes
        while self._sent_bytes - self.stored_bytes() > AHEAD_BYTES:
            await self.sleep(_PAUSE_SECONDS)

    async def _send(self, topic: str, key: bytes, value: bytes | None) -> None:
        self._sent_bytes += len(value or b"")
        await self.publisher.send_raw(topic, key, value)


def _renamed(event: Event, round_: int) -> Event:
    """An id and a source are used once."""
    return msgspec.structs.replace(event, id=f"{event.id}-{round_}") if round_ else event
