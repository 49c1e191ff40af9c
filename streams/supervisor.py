"""Several workers on one machine: processes of one consumer group, watched and started again when they die.

Without a ClickHouse server they share one embedded engine. It has one owner, which is this process: it speaks the
ClickHouse HTTP protocol, to the workers with a credential made for this run, to everyone else read-only.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from embedded import clickhouse as embedded
from schemas.config import Config
from schemas.failures import Rejected
from sinks.clickhouse import DATABASE, ClickHouse
from sinks.migrations import migrate
from streams.config import variable
from streams.telemetry import http

log = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
_STEADY_SECONDS = 60.0
"""A worker that ran this long was well: its next pause starts short again."""

_STOP_SECONDS = 60.0
_GIVE_UP_AFTER = 5
"""Starts in a row that did not last."""


async def run(config: Config, path: str | None, workers: int, stop: asyncio.Event) -> None:
    """Run ``workers`` processes until ``stop`` is set. Raises Rejected when one of them cannot be kept alive."""
    async with _clickhouse(config) as environment:
        kept = [asyncio.create_task(_keep(number, config, path, environment, stop)) for number in range(workers)]
        try:
            await asyncio.gather(*kept)
        finally:
            stop.set()
            await asyncio.gather(*kept, return_exceptions=True)


@asynccontextmanager
async def _clickhouse(config: Config) -> AsyncIterator[Mapping[str, str]]:
    """What the workers' environment needs to reach ClickHouse."""
    if not config.clickhouse.url.startswith("chdb:"):
        yield {}
        return
    sink = await asyncio.to_thread(ClickHouse, config.clickhouse)
    try:
        await asyncio.to_thread(migrate, sink)
        credential, host = secrets.token_urlsafe(32), config.http.host
        application = embedded.application(sink, credential)
        async with http.serving(application, host, config.clickhouse.embedded_port) as port:
            yield {
                variable("clickhouse", "url"): f"http://{host}:{port}/{DATABASE}",
                variable("clickhouse", "password"): credential,
            }
    finally:
        await asyncio.to_thread(sink.close)


async def _keep(
    number: int, config: Config, path: str | None, environment: Mapping[str, str], stop: asyncio.Event
) -> None:
    """Keep one worker running."""
    port = config.http.port + number if config.http.port else 0
    own = {**os.environ, **environment, variable("http", "port"): str(port)}
    command = [sys.executable, "-m", "streams.cli", "worker", *(("--config", path) if path else ())]
    pause, short_runs, loop = _FIRST_PAUSE, 0, asyncio.get_running_loop()
    while not stop.is_set():
        began = loop.time()
        process = await asyncio.create_subprocess_exec(*command, env=own)
        code = await _until(process, stop)
        if stop.is_set():
            return
        steady = loop.time() - began >= _STEADY_SECONDS
        pause, short_runs = (_FIRST_PAUSE, 0) if steady else (min(pause * 2, _LONGEST_PAUSE), short_runs + 1)
        if short_runs >= _GIVE_UP_AFTER:
            raise Rejected(f"worker {number} ended {short_runs} times in a row, the last time with exit status {code}")
        log.error("worker %d ended with exit status %s, starting it again in %.0f s", number, code, pause)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)


async def _until(process: asyncio.subprocess.Process, stop: asyncio.Event) -> int:
    """Wait for the process, or stop it cleanly when it is time; its exit status."""
    ended, stopping = asyncio.create_task(process.wait()), asyncio.create_task(stop.wait())
    await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not ended.done():
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(asyncio.shield(ended), _STOP_SECONDS)
        except TimeoutError:
            log.error(
                "a worker did not stop within %.0f s and is killed; the next start repairs what it left", _STOP_SECONDS
            )
            process.kill()
    return await ended
