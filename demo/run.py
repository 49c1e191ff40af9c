"""One run of the demo, from an empty directory to its summary."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from demo import figures, stack
from demo.replay import Replay
from demo.state import State
from demo.story import SECONDS, story
from demo.summary import Summary, summarise
from demo.watch import Watch, clock_ms, stored_bytes
from schemas.failures import Rejected, Unavailable
from sinks.kafka import Publisher

SPEED = 120.0
"""Event time per wall-clock time: the story in little more than a minute."""

FOREVER_SPEED = 20.0
FOREVER_BACK_SECONDS = 2 * 86_400
"""An endless run begins so long ago, catches up with the clock, and then goes on in real time."""

_MINUTE = 60
_SETTLE_SECONDS = 20.0
_LOOK_SECONDS = 0.5


class Options(NamedTuple):
    """What the user chose. ``data``: None for a fresh temporary directory; ``alertmanager``: None for the inbox."""

    data: Path | None = None
    speed: float = SPEED
    forever: bool = False
    alertmanager: str | None = None
    clickhouse_port: int = 0


Show = Callable[[State], Awaitable[None]]
"""Shows the state until it is cancelled."""


async def run(options: Options, show: Show, stop: asyncio.Event) -> Summary:
    """Play the story to its end, or until ``stop`` is set; raises ``Rejected`` and ``Unavailable``."""
    path, state, began = stack.directory(options.data), State(), time.monotonic()
    showing = asyncio.ensure_future(show(state))
    try:
        async with stack.running(path, options.clickhouse_port, options.alertmanager) as parts:
            state.notes = _notes(parts, options)
            watch = Watch(state, parts.worker, options.forever)
            await _watched(options, parts, watch, stop)
            seconds = time.monotonic() - began
            return await asyncio.to_thread(summarise, parts.worker.clickhouse, state.published, seconds, str(path))
    except (Rejected, Unavailable) as error:
        raise type(error)(f"{error} (the worker's log: {path / stack.LOG})") from None
    finally:
        await _cancelled(showing)


async def _watched(options: Options, parts: stack.Parts, watch: Watch, stop: asyncio.Event) -> None:
    """Play; raises what any of the parts could not survive."""
    watching = asyncio.create_task(watch.run())
    playing = asyncio.create_task(_play(options, parts, watch))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({playing, watching, stopping, *parts.stages}, return_when=asyncio.FIRST_COMPLETED)
        for task in (playing, watching, *parts.stages):
            if task.done():
                task.result()
        if stop.is_set():
            await _cancelled(playing)
            watch.state.phase = "stopping"
            await _settled(watch, None)
    finally:
        await _cancelled(playing, watching, stopping)


async def _play(options: Options, parts: stack.Parts, watch: Watch) -> None:
    state = watch.state
    async with Publisher(parts.config.kafka, parts.config.topics) as publisher:
        begin = _begin(options, time.time())
        watch.replay = Replay(publisher, lambda: stored_bytes(parts.worker), options.speed, begin)
        state.phase = _phase(options)
        for number in count():
            await watch.replay.send(story(seed=number + 1), number)
            if not options.forever:
                break
    state.phase = "closing the last windows"
    await _settled(watch, begin + SECONDS)
    state.phase = "done"


def _begin(options: Options, now: float) -> float:
    """The event time of the story's beginning: a whole minute, so that windows hold what they hold in the data."""
    back = FOREVER_BACK_SECONDS if options.forever else SECONDS - SECONDS / options.speed
    return math.floor((now - back) / _MINUTE) * _MINUTE


def _phase(options: Options) -> str:
    speed = "as fast as it goes" if math.isinf(options.speed) else f"{options.speed:g} times as fast"
    if options.forever:
        return f"replaying from two days ago to now, {speed}, then in real time"
    return f"replaying {SECONDS // 60} minutes of events, {speed}"


async def _settled(watch: Watch, until: float | None) -> None:
    """Wait until everything published is stored, and nothing changes any more.

    ``until``: an instant of event time, Unix seconds, that has to pass too, with every alert over by then.
    """
    deadline, before = time.monotonic() + _SETTLE_SECONDS, None
    while time.monotonic() < deadline:
        watch.look()
        found = await asyncio.to_thread(figures.counts, watch.worker.clickhouse)
        alerts = await asyncio.to_thread(figures.alerts, watch.worker.clickhouse)
        complete = found["raw_rows"] + found["dead_letters"] == watch.state.published
        over = until is None or (clock_ms(watch.worker) >= until * 1000 and not {"firing", "pending"} & alerts.keys())
        if complete and over and (found, alerts) == before:
            return
        before = (found, alerts)
        await asyncio.sleep(_LOOK_SECONDS)


def _notes(parts: stack.Parts, options: Options) -> list[str]:
    worker, alerts = parts.worker, parts.config.alertmanager.urls[0]
    told = (
        f"Alertmanager {alerts}" if options.alertmanager else f"{alerts}/api/v2/alerts, an inbox, not an Alertmanager"
    )
    return [
        f"Ctrl-C stops. Query: curl 'http://127.0.0.1:{worker.clickhouse_port}/?query=SELECT+*+FROM+sla'",
        f"Alerts go to {told}.",
        "Frontend, sshd and AWS calls are real records, shifted to now; everything else is generated.",
        f"The worker's own metrics: http://127.0.0.1:{worker.http_port}/metrics",
    ]


async def _cancelled(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
