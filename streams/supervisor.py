"""Several workers on one machine: processes of one consumer group, watched and started again when they die.

Without a ClickHouse server they share one embedded engine. It has one owner, which is this process: it speaks the
ClickHouse HTTP protocol, to whoever has the credential that follows from the master keys, to everyone else read-only.
"""

import asyncio
import contextlib
import logging
import os
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
from streams.config.masterkeys import key_file, load_master_keys, writer_credential
from streams.telemetry import http

log = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 10.0
_RECENT_SECONDS = 60.0
"""The pause before a start doubles with each end of that worker within this time."""

UNAVAILABLE = os.EX_TEMPFAIL
"""Exit status of a worker that could not start because a server did not answer: later it may."""

_STOP_SECONDS = 60.0
_GIVE_UP_AFTER = 5
"""Recent ends in a row for which the worker itself is to blame."""


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
        master, host = await asyncio.to_thread(load_master_keys, config), config.http.host
        credential = writer_credential(master)
        application = embedded.application(sink, credential)
        async with http.serving(application, host, config.clickhouse.embedded_port) as port:
            yield {
                variable("clickhouse", "url"): f"http://{host}:{port}/{DATABASE}",
                variable("clickhouse", "password"): credential,
                **_keys(config),
            }
    finally:
        await asyncio.to_thread(sink.close)


def _keys(config: Config) -> Mapping[str, str]:
    """Where the workers, who see a server and no directory, find the keys beside it."""
    file, privacy = key_file(config), config.privacy
    return {} if privacy.keys or privacy.vault_url or not file else {variable("privacy", "keys_file"): str(file)}


async def _keep(
    number: int, config: Config, path: str | None, environment: Mapping[str, str], stop: asyncio.Event
) -> None:
    """Keep one worker running."""
    port = config.http.port + number if config.http.port else 0
    own = {**os.environ, **environment, variable("http", "port"): str(port)}
    command = [sys.executable, "-m", "streams.cli", "worker", *(("--config", path) if path else ())]
    loop = asyncio.get_running_loop()
    ends = Ends()
    while not stop.is_set():
        process = await asyncio.create_subprocess_exec(*command, env=own)
        code = await _until(process, stop)
        if stop.is_set():
            return
        pause = ends.pause(code, loop.time())
        if pause is None:
            raise Rejected(f"worker {number} ended {_GIVE_UP_AFTER} times in a row, the last time with status {code}")
        log.error("worker %d ended with exit status %s, starting it again in %.0f s", number, code, pause)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)


class Ends:
    """How often a worker ended lately, and what follows from it."""

    def __init__(self) -> None:
        self._recent: list[float] = []
        self._own_fault = 0

    def pause(self, code: int, now: float) -> float | None:
        """Seconds to wait before the next start; None: give up.

        A worker that was killed, or that a server kept from starting, is started again for as long as it takes. One
        that refuses its configuration, or stops because it refuses nearly all records, must not go on for ever.
        """
        self._recent = [end for end in self._recent if now - end < _RECENT_SECONDS]
        blameless = code < 0 or code == UNAVAILABLE
        self._own_fault = 0 if blameless or not self._recent else self._own_fault
        self._own_fault += not blameless
        self._recent.append(now)
        if self._own_fault >= _GIVE_UP_AFTER:
            return None
        return min(_FIRST_PAUSE * 2.0 ** (len(self._recent) - 1), _LONGEST_PAUSE)


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
