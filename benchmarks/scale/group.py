"""The workers of a group: all join, then all go, and the clock stops when the last event is in a window."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Self

import msgspec

from benchmarks.scale.load import Load
from benchmarks.scale.member import Said
from benchmarks.scale.results import Point

_PATIENCE_S = 900


class Failed(Exception):  # noqa: N818 - named after what happened
    """A worker ended, or the events did not come out."""


class _Member:
    """A worker process, and what it said last."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "benchmarks.scale.member", *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.said = Said(0, 0, 0, 0.0, 0, 0)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.said = msgspec.json.decode(line, type=Said)

    def go(self) -> None:
        assert self._process.stdin
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def measure(bootstrap_servers: str, topic: str, load: Load, event_bytes: float, group: str) -> Point:
    """Process the topic once. Raises :class:`Failed`."""
    members = [_Member(bootstrap_servers, topic, group) for _ in range(load.workers)]
    try:
        _wait(members, lambda: all(m.said.partitions == load.partitions / load.workers for m in members))
        before = [member.said for member in members]
        began = time.perf_counter()
        for member in members:
            member.go()
        _wait(members, lambda: sum(member.said.counted for member in members) >= load.events)
        wall = time.perf_counter() - began
        after = [member.said for member in members]
    finally:
        for member in members:
            member.__exit__()
    if (counted := sum(said.counted for said in after)) != load.events:
        raise Failed(f"{counted:,} events are in the windows instead of {load.events:,}")
    cpu = sum(b.cpu_seconds - a.cpu_seconds for a, b in zip(before, after, strict=True))
    grown = max(b.peak_bytes - a.rss_bytes for a, b in zip(before, after, strict=True))
    return Point(load, event_bytes, wall, cpu, grown, sum(said.rows for said in after))


def _wait(members: list[_Member], done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not done():
        if any(member.ended for member in members):
            raise Failed("a worker ended before its time")
        if time.monotonic() > deadline:
            raise Failed(f"not done after {_PATIENCE_S} s: {[member.said for member in members]}")
        time.sleep(0.02)
