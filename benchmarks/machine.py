"""What was measured on, and with which versions: printed with every result."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import msgspec

PACKAGES = ("tidewatch", "faust-streaming", "aiokafka", "msgspec", "numpy", "pyarrow", "chdb-core", "uvloop")


class Machine(msgspec.Struct, frozen=True):
    """One machine and its software."""

    cpu: str
    cores: int
    memory_gb: float
    system: str
    python: str
    versions: dict[str, str]


def this() -> Machine:
    """The machine this runs on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        _cpu(),
        os.cpu_count() or 0,
        round(memory / 2**30, 1),
        f"{platform.system()} {platform.release()}",
        platform.python_version(),
        {package: version(package) for package in PACKAGES},
    )


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
