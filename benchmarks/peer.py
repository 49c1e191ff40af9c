"""What contestants in Python have in common: their arguments, their clock, and how they hand in what they found.

Nothing here needs more than Python, since each peer lives in an environment of its own. What a contestant has to do is
said in :mod:`benchmarks.peers`.
"""

import json
import os
import platform
import re
import resource
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple


class Task(NamedTuple):
    """What to process: a topic, until ``counted`` events are in closed windows; and the file for these."""

    bootstrap_servers: str
    topic: str
    counted: int
    file: Path


class Clock:
    """Wall and processor time of a run, of the whole process and its children."""

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

    def seconds(self) -> tuple[float, float]:
        """Wall and processor time in between."""
        assert self._began
        assert self._ended
        return self._ended[0] - self._began[0], self._ended[1] - self._began[1]

    def thread_seconds(self) -> dict[str, float]:
        """Processor seconds by name of thread; ``other`` is all that Python did not start, and all that have ended."""
        spent = {name: seconds - self._before.get(name, 0.0) for name, seconds in self._after.items()}
        found = {name: seconds for name, seconds in spent.items() if seconds >= 0.01}
        return {**found, "other": self.seconds()[1] - sum(found.values())}


def task(arguments: Sequence[str]) -> Task:
    """The task that the last four words of a command line name."""
    bootstrap_servers, topic, counted, file = arguments[-4:]
    return Task(bootstrap_servers, topic, int(counted), Path(file))


def hand_in(task: Task, clock: Clock, windows: Mapping[str, Sequence[Any]], packages: Iterable[str]) -> None:
    """Write the windows; print times, memory and the versions of ``packages`` for whoever started the process."""
    task.file.write_text(json.dumps(windows))
    wall, cpu = clock.seconds()
    result = {
        "wall_seconds": wall,
        "cpu_seconds": cpu,
        "rss_bytes": _peak_rss(),
        "versions": {"Python": platform.python_version(), **{package: version(package) for package in packages}},
        "threads": clock.thread_seconds(),
    }
    print(json.dumps(result), flush=True)


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


def _peak_rss() -> int:
    """The most memory this process had. ``ru_maxrss`` would count what its parent had when it was started."""
    return int(re.findall(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.M)[0]) * 1024


def _now() -> tuple[float, float]:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter(), time.process_time() + children.ru_utime + children.ru_stime
