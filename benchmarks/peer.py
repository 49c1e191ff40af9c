"""What every contestant has in common: its arguments, its clock, and the check that its windows are right.

A contestant is a module with a ``main``, run in a process of its own. Its clock runs from when it is assigned the
partitions of the topic until its last window is out; processor time is that of the whole process, all threads.
"""

import argparse
import os
import re
import resource
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import msgspec

from benchmarks.truth import Truth, Window


class Task(msgspec.Struct, frozen=True):
    """What to process, and what it must amount to."""

    bootstrap_servers: str
    topic: str
    truth: Truth
    variant: str


class Result(msgspec.Struct, frozen=True):
    """One run."""

    events: int
    wall_seconds: float
    cpu_seconds: float
    rss_bytes: int
    """The most memory the process ever had."""
    threads: dict[str, float]
    """``cpu_seconds`` by name of thread."""

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.wall_seconds

    @property
    def cpu_us(self) -> float:
        """Microseconds of processor time an event."""
        return self.cpu_seconds / self.events * 1e6


class Clock:
    """Wall and processor time of a run."""

    def __init__(self) -> None:
        self._began: tuple[float, float] | None = None
        self._ended: tuple[float, float] | None = None
        self._before: dict[str, float] = {}
        self._after: dict[str, float] = {}

    def begin(self) -> None:
        """Partitions are assigned; later calls do nothing."""
        if self._began is None:
            self._began = _now()
            self._before = _thread_seconds()

    def end(self) -> None:
        """The last window is out."""
        self._ended = _now()
        self._after = _thread_seconds()

    def thread_seconds(self) -> dict[str, float]:
        """Processor seconds by name of thread; ``other`` is all that Python did not start, and all that have ended."""
        assert self._began
        assert self._ended
        spent = {name: seconds - self._before.get(name, 0.0) for name, seconds in self._after.items()}
        found = {name: seconds for name, seconds in spent.items() if seconds >= 0.01}
        return {**found, "other": self._ended[1] - self._began[1] - sum(found.values())}

    def result(self, task: Task, found: Mapping[str, Window]) -> Result:
        """The run's result. Ends the process with what is wrong when ``found`` is not what was published."""
        if wrong := task.truth.differences(found):
            sys.exit("\n".join([f"{len(wrong)} windows are wrong, among them:", *sorted(wrong)[:5]]))
        assert self._began
        assert self._ended
        wall, cpu = (end - start for start, end in zip(self._began, self._ended, strict=True))
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return Result(task.truth.events, wall, cpu, rss, self.thread_seconds())


def task() -> Task:
    """The task that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("bootstrap_servers")
    parser.add_argument("topic")
    parser.add_argument("truth", type=Path, help="file with the truth, JSON")
    parser.add_argument("variant")
    given = parser.parse_args()
    truth = msgspec.json.decode(given.truth.read_bytes(), type=Truth)
    return Task(given.bootstrap_servers, given.topic, truth, given.variant)


def report(result: Result) -> None:
    """Print the result for whoever started the process."""
    print(msgspec.json.encode(result).decode(), flush=True)


def _thread_seconds() -> dict[str, float]:
    """Processor time so far of the threads that Python knows, by name without its number."""
    found: dict[str, float] = defaultdict(float)
    for thread in threading.enumerate():
        name = re.sub(r"[-_ ]?\d+.*", "", thread.name)
        # Fields 14 and 15, counted from behind the command's name, which may have spaces: proc_pid_stat(5).
        stat = Path(f"/proc/self/task/{thread.native_id}/stat")
        if stat.exists():
            user, system = stat.read_text().rpartition(")")[2].split()[11:13]
            found[name] += (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return found


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()
