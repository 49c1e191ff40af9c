"""Processor time of a process and of its threads, as the kernel counts it: proc_pid_stat(5)."""

import os
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """User and system time so far, of all threads, those that have ended too."""
    # Fields 14 and 15, counted from behind the command's name, which may have spaces.
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
