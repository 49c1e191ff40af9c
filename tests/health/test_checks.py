"""Checks of a service run side by side, each with its time-out, and nobody has to wait for the one that hangs."""

import asyncio
import heapq
import threading
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from schemas import cloudevents
from schemas.events import HealthEvent
from schemas.events.health import Health
from streams.health.checks import HealthChecks, Result

BEGAN = datetime(2026, 11, 22, 10, tzinfo=UTC)


class ManualClock:
    """Passes when it is told to."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()

    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (self.seconds + seconds, next(self._numbers), ended))
        await ended

    async def pass_to(self, seconds: float) -> None:
        """Let everything happen until then, in order."""
        await settled()
        while self._waiting and self._waiting[0][0] <= seconds:
            self.seconds, _, ended = heapq.heappop(self._waiting)
            if not ended.done():
                ended.set_result(None)
            await settled()
        self.seconds = seconds


async def settled() -> None:
    """Whoever can go on has gone on."""
    for _ in range(20):
        await asyncio.sleep(0)


class Published:
    """What was published, and when."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.events: list[HealthEvent] = []

    async def __call__(self, event: HealthEvent) -> None:
        self.events.append(event)

    def of(self, component: str) -> list[tuple[float, str, str]]:
        return [
            ((event.time - BEGAN).total_seconds(), event.data.status, event.data.message)
            for event in self.events
            if event.data.component == component
        ]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def published(clock: ManualClock) -> Published:
    return Published(clock)


@pytest.fixture
def checks(clock: ManualClock, published: Published) -> HealthChecks:
    return HealthChecks("shop", published, clock=clock)


async def well() -> None:
    """Nothing is wrong."""


async def test_a_check_runs_every_30_seconds_and_its_result_is_a_heartbeat_in_between(
    clock: ManualClock, published: Published, checks: HealthChecks
) -> None:
    calls = []

    async def check() -> None:
        calls.append(clock.seconds)

    checks.register("database", check, dependency="postgres")
    async with checks.running():
        await clock.pass_to(65)
    assert calls == [0, 30, 60]
    assert [at for at, _, _ in published.of("database")] == [0, 10, 20, 30, 30, 40, 50, 60, 60]
    assert [at for at, _, _ in published.of("")] == [0, 10, 20, 30, 40, 50, 60]
    assert {event.data.dependency for event in published.events if event.data.component} == {"postgres"}


@pytest.mark.parametrize(
    ("outcome", "status", "message"),
    [
        (None, "up", ""),
        (True, "up", ""),
        (False, "down", ""),
        (Result("degraded", "a replica is away"), "degraded", "a replica is away"),
        (ConnectionRefusedError("refused"), "down", "refused"),
        (KeyError(), "down", "KeyError"),
        (asyncio.sleep, "down", "the check returned something to await; register an asynchronous function"),
    ],
)
async def test_what_a_check_returns_or_raises_is_its_result(
    clock: ManualClock, published: Published, checks: HealthChecks, outcome: Any, status: str, message: str
) -> None:
    async def check() -> Any:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome(0) if callable(outcome) else outcome

    checks.register("part", check)
    async with checks.running():
        await clock.pass_to(1)
    assert published.of("part") == [(0, status, message)]


async def test_one_that_hangs_is_down_and_delays_nobody(
    clock: ManualClock, published: Published, checks: HealthChecks
) -> None:
    """It is cancelled, and tried again half a minute after it began."""
    began = []

    async def hangs() -> None:
        began.append(clock.seconds)
        await asyncio.Event().wait()

    checks.register("stuck", hangs)
    checks.register("fine", well)
    async with checks.running():
        await clock.pass_to(36)
    assert began == [0, 30]
    assert published.of("stuck")[0] == (5, "down", "no answer within 5 s")
    assert [at for at, _, _ in published.of("fine")] == [0, 10, 20, 30, 30]
    assert published.of("")[1] == (10, "degraded", "not well: stuck")


@pytest.fixture
def hanging() -> Iterator[tuple[list[int], Callable[[], None], threading.Event]]:
    """Calls so far, a check that blocks its thread, and what lets it go."""
    release, calls = threading.Event(), list[int]()

    def hangs() -> None:
        calls.append(1)
        release.wait(10)

    yield calls, hangs, release
    release.set()


async def test_a_thread_that_hangs_is_not_started_a_second_time(
    clock: ManualClock,
    published: Published,
    checks: HealthChecks,
    hanging: tuple[list[int], Callable[[], None], threading.Event],
) -> None:
    """It is reported as down each time, until it ends; then its answer counts."""
    calls, hangs, release = hanging
    checks.register("stuck", hangs)
    async with checks.running():
        await clock.pass_to(59)
        assert len(calls) == 1
        assert {status for _, status, _ in published.of("stuck")} == {"down"}
        release.set()
        await until(lambda: checks.checks["stuck"]._call.done())  # type: ignore[union-attr]
        await clock.pass_to(60)
        await until(lambda: len(calls) == 2 and published.of("stuck")[-1][1] == "up")


async def until(condition: Callable[[], bool]) -> None:
    """A thread takes what time it takes."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a thread sets no event
            await asyncio.sleep(0.001)


async def test_a_publisher_that_fails_or_hangs_stops_no_check(clock: ManualClock) -> None:
    """What could not be told is told with the next heartbeat."""
    answers: list[Awaitable[None] | Exception] = [ConnectionError("away")]
    told = []

    async def publish(event: HealthEvent) -> None:
        if answers:
            raise answers.pop()  # type: ignore[misc]
        told.append(event.data.component)

    checks = HealthChecks("shop", publish, clock=clock)
    checks.register("database", well)
    async with checks.running():
        await clock.pass_to(10)
    assert told.count("") >= 1
    assert told.count("database") >= 1


async def test_changes_are_told_with_what_was_before(clock: ManualClock, published: Published) -> None:
    """A component is down for one round, and back."""
    outcomes, changes = iter([True, True, False, True]), list[tuple[str | None, str]]()

    def changed(before: Health | None, after: Health) -> None:
        changes.append((before and before.status, after.status))

    async def check() -> bool:
        return next(outcomes)

    checks = HealthChecks("shop", published, clock=clock, changed=changed)
    checks.register("database", check)
    async with checks.running():
        await clock.pass_to(100)
    assert changes == [(None, "up"), ("up", "down"), ("down", "up")]


async def test_what_is_published_is_an_event_that_a_worker_takes(
    clock: ManualClock, published: Published, checks: HealthChecks
) -> None:
    checks.register("database", well)
    async with checks.running():
        await clock.pass_to(1)
    for event in published.events:
        assert cloudevents.decode(cloudevents.encode(event)) == event


def test_a_component_has_one_check(checks: HealthChecks) -> None:
    """Two would contradict each other."""
    checks.register("database", well)
    with pytest.raises(ValueError, match="database has a check already"):
        checks.register("database", well)
