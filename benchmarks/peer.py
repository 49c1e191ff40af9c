"""What every contestant has in common: its arguments, its clock, and the check that its windows are right.

A contestant is a module with a ``main``, run in a process of its own. Its clock runs from the first record it is
handed until its last window is out; processor time is that of the whole process, all threads, meanwhile.
"""

import argparse
import resource
import sys
import time
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
    figures: dict[str, float] = {}
    """Whatever else this contestant can say."""

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

    def begin(self) -> None:
        """The first record has come; later calls do nothing."""
        if self._began is None:
            self._began = _now()

    def end(self) -> None:
        """The last window is out."""
        self._ended = _now()

    def result(self, task: Task, found: Mapping[str, Window], figures: Mapping[str, float] | None = None) -> Result:
        """The run's result. Ends the process with what is wrong when ``found`` is not what was published."""
        if wrong := task.truth.differences(found):
            sys.exit("\n".join([f"{len(wrong)} windows are wrong, among them:", *sorted(wrong)[:5]]))
        assert self._began
        assert self._ended
        wall, cpu = (end - start for start, end in zip(self._began, self._ended, strict=True))
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return Result(task.truth.events, wall, cpu, rss, dict(figures or {}))


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


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()
