"""Processor time of a process and of its threads, as the kernel counts it: proc_pid_stat(5)."""

import os
from pathlib import Path
from typing import NamedTuple


class Cpu(NamedTuple):
    """Seconds since the start of a process, user and system."""

    all: float
    """Of all threads, those that have ended too."""
    python: float
    """Of the threads that Python started, which call the engine; it starts threads of its own."""

    def since(self, before: "Cpu") -> "Cpu":
        """What was taken in between."""
        return Cpu(self.all - before.all, self.python - before.python)


def cpu(pid: int) -> Cpu:
    """What a process took so far. Its Python threads live as long as it does."""
    named = [(thread / "comm", thread / "stat") for thread in Path(f"/proc/{pid}/task").iterdir()]
    name = Path(f"/proc/{pid}/comm").read_text()
    return Cpu(_seconds(Path(f"/proc/{pid}/stat")), sum(_seconds(stat) for comm, stat in named if _read(comm) == name))


def _seconds(stat: Path) -> float:
    # Fields 14 and 15, counted from behind the command's name, which may have spaces.
    user, system = _read(stat).rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except (FileNotFoundError, ProcessLookupError):  # the thread has ended meanwhile; engines start and end many
        return ") " + "0 " * 13
