"""An event loop whose time is virtual: it jumps to the next timer, so minutes of time-outs take milliseconds."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

_TURNS = 3000
"""Without a wait in between: nobody has that much to do."""


class Loop(asyncio.BaseEventLoop):
    """Deterministic: one thread, no sockets, and executors whose work is a task of the same loop."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self._turns = 0
        self.spun = False
        """Whether something went round and round without waiting for anything."""
        self._selector = self
        self._clock_resolution = 1e-6
        self.set_exception_handler(lambda *_: None)  # what dead workers leave unfinished is nobody's business

    def time(self) -> float:
        """Virtual seconds."""
        return self.now

    def monotonic(self) -> float:
        """What the stages see: looking at the clock takes a microsecond, as everything takes some time."""
        self.now += 1e-6
        return self.now

    def select(self, timeout: float | None) -> list[Any]:
        """Let time pass instead of waiting for it."""
        self._turns = 0 if timeout else self._turns + 1
        if timeout is None or self._turns > _TURNS:
            self.spun, timeout = True, 1.0
        self.now += timeout
        return []

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        """A thread cannot be cancelled, nor can the task that stands for it."""

        async def call() -> Any:
            await asyncio.sleep(0)
            result = func(*args)
            return await result if inspect.isawaitable(result) else result

        return asyncio.shield(self.create_task(call()))

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """There is nobody else who could have to wake it."""
