"""Processes that are killed, frozen and stopped, and the way of every request between them and the far sides."""

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import TypeVar

from tests.model.plan import Fault, Plan

T = TypeVar("T")

SESSION = 6.0
"""Seconds until the group gives up a member that is silent."""

_KILLED = {Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.HALF_AND_KILLED}
_LOST = {Fault.REQUEST_LOST, Fault.HALF, Fault.HALF_AND_KILLED}


class Process:
    """One life of a worker process, as the operating system sees it."""

    def __init__(self) -> None:
        self.alive = True
        self._thawed = asyncio.Event()
        self._thawed.set()

    @property
    def responsive(self) -> bool:
        """Whether it sends heartbeats."""
        return self.alive and self._thawed.is_set()

    async def running(self) -> None:
        """Go on, when the process runs: later when it is frozen, never when it is dead."""
        while not self._thawed.is_set():
            await self._thawed.wait()
        if not self.alive:
            await asyncio.get_running_loop().create_future()

    def end(self) -> None:
        """No instruction of it will be carried out any more."""
        self.alive = False

    def freeze(self, seconds: float) -> None:
        """SIGSTOP, and SIGCONT later."""
        self._thawed.clear()
        asyncio.get_running_loop().call_later(seconds, self._thawed.set)


class World:
    """Counts requests and lets happen to them what the plan says."""

    def __init__(self, plan: Plan) -> None:
        self.random = Random(plan.seed)
        self.faults = plan.faults
        self.requests = 0
        self.met: Counter[str] = Counter()
        self.violations: list[str] = []
        self.killed: Callable[[Process], None] = lambda _: None
        self.frozen: Callable[[Process], None] = lambda _: None
        self.stopped: Callable[[Process], None] = lambda _: None
        self.rebalance: Callable[[], None] = lambda: None

    async def delay(self) -> None:
        """Something between machines: short, and now and then long."""
        usual = self.random.expovariate(100)
        await asyncio.sleep(usual if self.random.random() < 0.95 else self.random.uniform(0.1, 8.0))

    async def request(
        self,
        process: Process,
        what: str,
        effect: Callable[[], T],
        lost: Exception,
        half: Callable[[], object] = lambda: None,
    ) -> T:
        """Have ``effect`` take place at the far side. ``lost``: what the worker sees when no answer comes."""
        await process.running()
        self.requests += 1
        fault = self.faults.get(self.requests)
        if fault is not None:
            self.met[f"{fault.name} at {what}"] += 1
            self._before(fault, process)
            await process.running()
        travelling = asyncio.ensure_future(self._travel(effect, half, fault, lost))
        if fault in _KILLED:
            self._kill(process)
        elif fault is Fault.FROZEN_AFTER:
            self._freeze(process)
        try:
            result = await asyncio.shield(travelling)
        finally:
            await process.running()
        if fault is Fault.ANSWER_LOST:
            raise lost
        return result

    async def _travel(
        self, effect: Callable[[], T], half: Callable[[], object], fault: Fault | None, lost: Exception
    ) -> T:
        await self.delay()
        if fault in _LOST:
            if fault is not Fault.REQUEST_LOST:
                half()
            raise lost
        return effect()

    def _before(self, fault: Fault, process: Process) -> None:
        if fault is Fault.KILLED_BEFORE:
            self._kill(process)
        elif fault is Fault.FROZEN_BEFORE:
            self._freeze(process)
        elif fault is Fault.STOPPED:
            self.stopped(process)
        elif fault is Fault.REBALANCE:
            self.rebalance()

    def _kill(self, process: Process) -> None:
        process.end()
        self.killed(process)

    def _freeze(self, process: Process) -> None:
        process.freeze(self.random.choice((0.5, SESSION + 2, 4 * SESSION)))
        self.frozen(process)
