"""A worker whose stage fails starts again; one that cannot work says so and ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from schemas.config import Config
from schemas.failures import Rejected
from streams import worker


class Stages:
    """Stands in for what ``running`` starts: stages that end as they are told, one after the other."""

    def __init__(self, *ends: Exception | None) -> None:
        self.ends = list(ends)
        self.failures: list[list[str]] = []

    @asynccontextmanager
    async def __call__(self, _: Config, failures: list[str]) -> AsyncIterator[tuple[None, list[asyncio.Task[None]]]]:
        self.failures.append(list(failures))
        end = self.ends.pop(0)
        yield None, [asyncio.create_task(_ends(end))]


async def _ends(end: Exception | None) -> None:
    if end is None:
        await asyncio.Event().wait()
    else:
        raise end


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.supervisor._FIRST_PAUSE", 0.01)


async def test_a_stage_that_fails_is_started_again_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    stages, stop = Stages(RuntimeError("a bug"), ValueError("another"), None), asyncio.Event()
    monkeypatch.setattr(worker, "running", stages)
    task = asyncio.create_task(worker.run(Config(), stop))
    async with asyncio.timeout(10):
        while len(stages.failures) < 3:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)
    stop.set()
    await task
    assert stages.failures == [[], ["RuntimeError: a bug"], ["RuntimeError: a bug", "ValueError: another"]]


@pytest.mark.parametrize("end", [Rejected("the configuration is wrong"), OSError("no such device")])
async def test_what_cannot_be_mended_by_a_start_ends_the_worker(monkeypatch: pytest.MonkeyPatch, end: Any) -> None:
    stages = Stages(end)
    monkeypatch.setattr(worker, "running", stages)
    with pytest.raises(type(end)):
        await worker.run(Config(), asyncio.Event())
    assert stages.failures == [[]]


async def test_one_that_fails_again_and_again_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs it has to look."""
    stages = Stages(*[RuntimeError("always")] * 9)
    monkeypatch.setattr(worker, "running", stages)
    with pytest.raises(RuntimeError, match="always"):
        await worker.run(Config(), asyncio.Event())
    assert len(stages.failures) == 5
