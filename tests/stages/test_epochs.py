"""Turns: each is ended, whoever cancels; one that lost its partitions is followed by another."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from streams.stages.epochs import still, take_turns
from streams.stages.transport import Fenced


class Stage:
    """Its turns end as they are told, and the last one when it is let go; what happened is in ``story``."""

    def __init__(self, *ends: Exception | None) -> None:
        self.ends = list(ends)
        self.story: list[str] = []
        self.begun, self.let_go = asyncio.Event(), asyncio.Event()

    async def turn(self) -> None:
        if self.ends:
            end = self.ends.pop(0)
            self.story.append(repr(end))
            if end is not None:
                raise end
            return
        self.begun.set()
        await self.let_go.wait()
        self.story.append("ended")

    async def start_over(self) -> None:
        self.story.append("over")

    async def finish(self, turn: "asyncio.Future[None] | None") -> None:
        self.let_go.set()
        if turn is not None:
            await turn
        self.story.append("finished")

    def run(self) -> "asyncio.Task[Any]":
        return asyncio.create_task(take_turns(self.turn, self.finish, self.start_over))


async def test_a_turn_that_runs_when_the_stage_is_cancelled_is_ended_before_it_finishes() -> None:
    stage = Stage(None)
    running = stage.run()
    await stage.begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert stage.story == ["None", "ended", "finished"]


async def test_a_turn_whose_epoch_is_over_is_followed_by_another() -> None:
    stage = Stage(Fenced("gone"), None)
    running = stage.run()
    await stage.begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert stage.story == ["Fenced('gone')", "over", "None", "ended", "finished"]


async def test_what_else_a_turn_raises_ends_the_stage() -> None:
    """The worker starts all of them again."""
    stage = Stage(ValueError("a bug"))
    with pytest.raises(ValueError, match="a bug"):
        await stage.run()
    assert stage.story == ["ValueError('a bug')"]


def test_a_check_holds_for_as_long_as_its_epoch() -> None:
    consumer: Any = SimpleNamespace(epoch=3)
    check = still(lambda: consumer, 3)
    check()
    consumer.epoch = 4
    with pytest.raises(Fenced):
        check()
