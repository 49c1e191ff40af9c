"""ClickHouse's HTTP protocol over chDB in a process of its own, as workers on one machine share it.

``with Engine(directory) as engine`` starts it; ``python -m benchmarks.engine DIRECTORY`` is that process, which ends
with its standard input.
"""

import asyncio
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Self

from embedded import clickhouse as embedded
from schemas.config import ClickHouse as Settings
from sinks.clickhouse import DATABASE, ClickHouse
from sinks.migrations import migrate
from streams.telemetry import http

_CREDENTIAL = "BENCHMARK_ENGINE_CREDENTIAL"


class Engine:
    """The engine's process, seen from the one that inserts into it."""

    def __init__(self, directory: Path) -> None:
        self.credential = secrets.token_urlsafe(32)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.engine", str(directory)],
            env={**os.environ, _CREDENTIAL: self.credential},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}/{DATABASE}"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def cpu_seconds(self) -> float:
        """Processor time so far, of all its threads."""
        # Fields 14 and 15, counted from behind the command's name, which may have spaces: proc_pid_stat(5).
        stat = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


async def _serve(directory: str) -> None:
    sink = ClickHouse(Settings(url=f"chdb:{directory}"))
    migrate(sink)
    async with http.serving(embedded.application(sink, os.environ[_CREDENTIAL]), "127.0.0.1", 0) as port:
        print(port, flush=True)
        await asyncio.to_thread(sys.stdin.read)
    sink.close()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
