"""The publisher of the demo: its pace, its waiting for the worker, its rounds."""

import math
from datetime import timedelta

import msgspec
import pytest

from demo.broken import Broken
from demo.replay import AHEAD_BYTES, Replay
from demo.story import BEGIN, SECONDS, Item
from schemas.config import Topics
from schemas.events import Health, HealthEvent

LONG_AGO, NOW = 1_600_000_000.0, 1_700_000_000.0


class World:
    """A clock that moves when somebody sleeps, a worker that stores when somebody sleeps, and the records published.

    It takes the place of a publisher too, which has tests of its own.
    """

    def __init__(self) -> None:
        self.topics = Topics()
        self.now = NOW
        self.sent: list[tuple[float, bytes]] = []
        self.sent_bytes = self.stored_bytes = self.most_ahead = 0

    async def send_raw(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        self.sent.append((self.now, value or b""))
        self.sent_bytes += len(value or b"")
        self.most_ahead = max(self.most_ahead, self.sent_bytes - self.stored_bytes)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        if seconds:
            self.stored_bytes = self.sent_bytes

    def replay(self, speed: float = math.inf, begin: float = LONG_AGO) -> Replay:
        return Replay(self, lambda: self.stored_bytes, speed, begin, lambda: self.now, self.sleep)  # type: ignore[arg-type]

    def events(self) -> list[HealthEvent]:
        return [msgspec.json.decode(value, type=HealthEvent) for _, value in self.sent]


def beat(at: float) -> Item:
    """A heartbeat at a second of the story."""
    moment = BEGIN + timedelta(seconds=at)
    return Item(
        at,
        HealthEvent(specversion="1.0", id=f"{at}", source="/a", time=moment, data=Health(service="a", status="up")),
    )


async def test_events_keep_their_distance_and_begin_where_they_are_told_to() -> None:
    """Their time is that of the story, moved."""
    world = World()
    await world.replay().send([beat(0), beat(90.5)])
    assert [event.time.timestamp() for event in world.events()] == [LONG_AGO, LONG_AGO + 90.5]


async def test_a_later_round_follows_in_time_under_new_ids() -> None:
    """An endless run never repeats an identity, nor goes back in time."""
    world = World()
    replay = world.replay()
    for number in range(3):
        await replay.send([beat(0), beat(60)], number)
    events = world.events()
    assert [event.time for event in events] == sorted(event.time for event in events)
    assert events[2].time - events[0].time == timedelta(seconds=SECONDS)
    assert len({event.id for event in events}) == len(events)


async def test_it_keeps_the_pace_over_rounds() -> None:
    """A minute at 120 times its speed takes half a second."""
    world = World()
    replay = world.replay(speed=120)
    await replay.send([beat(0), beat(30), beat(60)])
    await replay.send([beat(0)], 1)
    assert [sent - NOW for sent, _ in world.sent] == pytest.approx([0, 0.25, 0.5, SECONDS / 120])


async def test_nothing_is_sent_before_it_happens() -> None:
    """Having caught up with the clock, it goes on in real time: an event of the future would be refused."""
    world = World()
    await world.replay(speed=120, begin=NOW - 60).send([beat(0), beat(30), beat(90), beat(100)])
    assert [sent - NOW for sent, _ in world.sent] == pytest.approx([0, 0.25, 30, 40])


async def test_it_waits_for_the_worker() -> None:
    """No more bytes are sent and not stored than the embedded broker can keep, however much there is to send."""
    world, size = World(), 100_000
    await world.replay().send(Item(0, Broken(b"key", b"x" * size)) for _ in range(100))
    assert len(world.sent) == 100
    assert AHEAD_BYTES < world.most_ahead <= AHEAD_BYTES + 2 * size
