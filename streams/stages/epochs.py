"""An epoch: the time for which the group has left a stage its partitions. Turn after turn, a stage works within one."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NoReturn

from streams.stages.store import Check
from streams.stages.transport import BatchConsumer, Fenced

log = logging.getLogger(__name__)

Turn = Callable[[], Awaitable[None]]


def still(consumer: Callable[[], BatchConsumer], epoch: int) -> Check:
    """What to call before writing: raises Fenced once the epoch is over."""

    def check() -> None:
        if consumer().epoch != epoch:
            raise Fenced("partitions were reassigned")

    return check


async def _nothing() -> None:
    pass


async def take_turns(
    turn: Turn, finish: Callable[["asyncio.Future[None] | None"], Awaitable[None]], start_over: Turn = _nothing
) -> NoReturn:
    """Until cancelled. No turn is broken off: ``finish`` gets the last one, to await it before it tidies up.

    ``start_over`` is awaited after a turn that found its epoch over (Fenced); whatever else a turn raises is raised.
    """
    taken: asyncio.Future[None] | None = None
    try:
        while True:
            taken = asyncio.ensure_future(turn())
            try:
                await asyncio.shield(taken)
            except Fenced as fenced:
                log.info("%s; the next turn starts over", fenced)
                await start_over()
    except asyncio.CancelledError:
        await finish(taken)
        raise
