"""Health checks for services: register callables, and their results are published as health events.

    async with Publisher(config.kafka) as publisher:
        checks = HealthChecks("shop", publisher.send)
        checks.register("database", check_database, dependency="postgres")
        async with checks.running():
            ...

A check is well when it returns nothing or true. It is down when it returns false or raises, and then the exception's
text is the message; a :class:`Result` says it in full. Checks run side by side: each has a task, and each call of one
that is not asynchronous a thread of its own. A check that takes longer than its time-out is reported as down; it is not
started again before the call that hangs has ended. An asynchronous check must not block the event loop.

Between checks, each component's last result is published again as a heartbeat, and that the service lives: Tidewatch
takes whoever is silent for 30 seconds to be down.
"""

import asyncio
import inspect
import logging
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, Protocol
from uuid import uuid4

from schemas.events import DEFAULT_TENANT, HealthEvent
from schemas.events.health import Health

log = logging.getLogger(__name__)

TIMEOUT_S, INTERVAL_S, HEARTBEAT_S = 5.0, 30.0, 10.0

_MESSAGE = 4096
"""Characters that an event takes."""


class Result(NamedTuple):
    """What a check found."""

    status: Literal["up", "degraded", "down"]
    message: str = ""


Check = Callable[[], Any] | Callable[[], Awaitable[Any]]
Publish = Callable[[HealthEvent], Awaitable[object]]


class Clock(Protocol):
    """What time it is; tests have one of their own."""

    def now(self) -> datetime:
        """On the wall."""

    def monotonic(self) -> float:
        """Seconds."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's."""

    def now(self) -> datetime:
        """See :class:`Clock`."""
        return datetime.now(UTC)

    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(asyncio.sleep)


class Registered:
    """A check and what is known of it."""

    def __init__(self, component: str, check: Check, dependency: str, timeout_s: float, interval_s: float) -> None:
        self.component = component
        self.dependency = dependency
        self.timeout_s = timeout_s
        self.interval_s = interval_s
        self.last: Health | None = None
        self._check = check
        self._is_async = _is_async(check)
        self._call: asyncio.Future[Any] | None = None

    async def examine(self, clock: Clock) -> tuple[Result, float]:
        """The result, and how long it took in milliseconds."""
        began = clock.monotonic()
        if self._call is None or self._call.done():
            self._call = asyncio.ensure_future(self._check() if self._is_async else _in_thread(self._check))
        patience = asyncio.ensure_future(clock.sleep(self.timeout_s))
        try:
            await asyncio.wait({self._call, patience}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            patience.cancel()
        took_ms = (clock.monotonic() - began) * 1000
        if not self._call.done():
            if self._is_async:  # a thread cannot be ended
                self._call.cancel()
            return Result("down", f"no answer within {self.timeout_s:g} s"), took_ms
        return _result(self._call), took_ms


class HealthChecks:
    """The checks of one service. ``heartbeat_s``: how often the last results are published again, in seconds.

    ``changed`` is told of each component whose status changes, with the event's data before (None at first) and after.
    What cannot be published is logged and left: the next heartbeat says the same.
    """

    def __init__(
        self,
        service: str,
        publish: Publish,
        *,
        tenant: str = DEFAULT_TENANT,
        source: str = "",
        heartbeat_s: float = HEARTBEAT_S,
        clock: Clock | None = None,
        changed: Callable[[Health | None, Health], None] = lambda before, after: None,
    ) -> None:
        self.service = service
        self.checks: dict[str, Registered] = {}
        """By component."""
        self._publish = publish
        self._tenant = tenant
        self._source = source or f"/{service}"
        self._heartbeat_s = heartbeat_s
        self._clock: Clock = clock or SystemClock()
        self._changed = changed

    def register(
        self,
        component: str,
        check: Check,
        *,
        dependency: str = "",
        timeout_s: float = TIMEOUT_S,
        interval_s: float = INTERVAL_S,
    ) -> None:
        """Have ``check`` called every ``interval_s`` seconds for a component; ``dependency`` is what it depends on."""
        if component in self.checks:
            raise ValueError(f"{component} has a check already")
        self.checks[component] = Registered(component, check, dependency, timeout_s, interval_s)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Check and publish while the block runs."""
        tasks = [asyncio.create_task(self._beat())]
        tasks += [asyncio.create_task(self._keep(check)) for check in self.checks.values()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, check: Registered) -> None:
        while True:
            due = self._clock.monotonic() + check.interval_s
            result, took_ms = await check.examine(self._clock)
            before, check.last = check.last, self._health(check.component, result, took_ms, check.dependency)
            if before is None or before.status != check.last.status:
                self._changed(before, check.last)
            await self._tell(check.last)
            await self._clock.sleep(max(due - self._clock.monotonic(), 0.0))

    async def _beat(self) -> None:
        while True:
            known = [check.last for check in self.checks.values() if check.last is not None]
            ill = [health.component for health in known if health.status != "up"]
            service = Result("degraded", f"not well: {', '.join(ill)}") if ill else Result("up")
            await asyncio.gather(*map(self._tell, [self._health("", service), *known]))
            await self._clock.sleep(self._heartbeat_s)

    async def _tell(self, health: Health) -> None:
        event = HealthEvent(specversion="1.0", id=uuid4().hex, source=self._source, time=self._clock.now(), data=health)
        try:
            await self._publish(event)
        except Exception as error:  # whoever publishes has errors of their own; health goes on
            log.warning("the health of %s cannot be published: %s", health.component or self.service, error)

    def _health(self, component: str, result: Result, took_ms: float = 0.0, dependency: str = "") -> Health:
        return Health(
            service=self.service,
            component=component,
            status=result.status,
            check_duration_ms=took_ms,
            dependency=dependency,
            message=result.message[:_MESSAGE],
            tenant=self._tenant,
        )


def _is_async(check: Check) -> bool:
    return inspect.iscoroutinefunction(check) or inspect.iscoroutinefunction(type(check).__call__)


def _in_thread(check: Check) -> "asyncio.Future[Any]":
    """What it returns, from a thread that nobody waits for at the end."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[Any] = loop.create_future()

    def call() -> None:
        try:
            outcome = check()
        except BaseException as error:  # whatever it is, it ends the check and nothing else
            outcome = _failed(error)
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(ended.set_result, outcome)

    threading.Thread(target=call, name="health check", daemon=True).start()
    return ended


def _failed(error: BaseException) -> Result:
    return Result("down", str(error) or type(error).__name__)


def _result(call: "asyncio.Future[Any]") -> Result:
    if call.cancelled():
        return Result("down", "was cancelled")
    error = call.exception()
    if error is not None:
        return _failed(error)
    outcome = call.result()
    if isinstance(outcome, Result):
        return outcome
    if inspect.iscoroutine(outcome):
        outcome.close()
        return Result("down", "the check returned something to await; register an asynchronous function")
    return Result("up") if outcome is None or outcome else Result("down")
