"""Real data sets as events. The folder is the registry: one module a format, with

``NAME`` and ``DESCRIPTION``; ``detect(name, first)``: whether a file of this name with these first bytes is one;
``events(lines, options)``: its events, lazily, in the order of the file.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from schemas.events import Event
from schemas.failures import Rejected

FIRST_BYTES = 4096
"""How much of a file ``detect`` sees."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a format may need besides the lines."""

    name: str = ""
    """The file's name without its folder."""
    year: int = 2017
    """The year of the first line, for logs that do not write one."""


class Source(Protocol):
    """What a module of this folder has."""

    NAME: str
    DESCRIPTION: str

    def detect(self, name: str, first: bytes) -> bool: ...

    def events(self, lines: Iterable[bytes], options: Options) -> Iterator[Event]: ...


def formats() -> dict[str, Source]:
    """Every format by its name."""
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return {module.NAME: module for module in modules}


def recognise(path: Path) -> Source:
    """The format of a file, by its name and first bytes; raises ``Rejected`` when none or several fit."""
    with path.open("rb") as file:
        first = file.read(FIRST_BYTES)
    fitting = [source for source in formats().values() if source.detect(path.name, first)]
    if len(fitting) != 1:
        found = " and ".join(source.NAME for source in fitting) or "none of them"
        raise Rejected(f"{path}: its format is not clear ({found}); name it: {', '.join(formats())}")
    return fitting[0]


def read(path: Path, source: Source, year: int) -> Iterator[Event]:
    """The events of a file."""
    with path.open("rb") as lines:
        yield from source.events(lines, Options(name=path.name, year=year))
