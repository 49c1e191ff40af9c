"""Maintenance that is declared while a worker runs: taken up; and kept as it was when the file is wrong."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from schemas.failures import Rejected
from schemas.slo import Maintenance
from streams.slo.promises import Promises
from streams.stages.maintenance import MaintenanceStage
from tests.slo.objectives import maintenance

MOVE = maintenance("2026-11-22 10:00:00", 60)


def test_what_is_declared_is_taken_up_and_what_is_wrong_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    promises = Promises()
    kept = promises.maintenance
    answers: list[list[Maintenance] | Rejected] = [[], [MOVE], Rejected("m.yml:1:1: no"), Rejected("m.yml:1:1: no"), []]
    seen: list[list[Maintenance]] = []

    over: list[Callable[[], object]] = []

    def load() -> list[Maintenance]:
        seen.append(list(kept))
        if len(seen) == 6:
            over[0]()
        answer = answers.pop(0) if answers else []
        if isinstance(answer, Rejected):
            raise answer
        return answer

    async def look() -> None:
        done, loop = asyncio.Event(), asyncio.get_running_loop()
        over.append(lambda: loop.call_soon_threadsafe(done.set))
        running = asyncio.create_task(MaintenanceStage(promises, load, 0).run())
        await done.wait()
        running.cancel()

    with caplog.at_level(logging.ERROR):
        asyncio.run(look())

    assert seen[:6] == [[], [], [MOVE], [MOVE], [MOVE], []]
    assert len(caplog.records) == 1
