"""A ClickHouse server that can be killed: ``python -m tests.chaos.clickhouse DIRECTORY PORT`` serves a chDB directory.

Whoever sends the password of ``TIDEWATCH_CLICKHOUSE_PASSWORD`` may write.
"""

import asyncio
import os
import signal
import sys

from embedded.clickhouse import application
from schemas.config import ClickHouse as Settings
from sinks.clickhouse import ClickHouse
from sinks.migrations import migrate
from streams.telemetry.http import serving


async def serve(directory: str, port: int, password: str) -> None:
    """Until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    sink = ClickHouse(Settings(url=f"chdb:{directory}"))
    try:
        migrate(sink)
        async with serving(application(sink, password), "127.0.0.1", port):
            await stop.wait()
    finally:
        sink.close()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), os.environ["TIDEWATCH_CLICKHOUSE_PASSWORD"]))
