"""A directory of chDB: the ClickHouse engine in this process, and a private place for rows on their way into it."""

import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from errno import ENOSPC
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas.failures import Rejected, Unavailable

_PROCESS = uuid.uuid4().hex

KEPT_FREE_BYTES = 256 << 20
"""Of the disk, below which no rows are taken. When its last byte goes while the engine writes or merges parts, it may
leave files empty, of rows too that it has taken before (measured with chDB 26.9)."""


def connect(directory: Path) -> Any:
    """Open the engine on a directory, which is made when it is not there. One process at a time can have it open.

    Raises ``Unavailable`` when another process has it, ``Rejected`` when it cannot be a directory of chDB.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = _owner(directory)
        if owner not in ("", str(os.getpid())):
            raise Unavailable(
                f"process {owner}, such as a worker, has {directory} open: ask it through its ClickHouse HTTP port "
                "(clickhouse.embedded_port), or stop it"
            )
        client = clickhouse_connect.get_client(
            interface="chdb", path=str(directory), tz_mode="aware", settings={"session_timezone": "UTC"}
        )
        client.server_tz = UTC  # chDB takes the zone of the machine for the server's
        return client
    except OSError as error:
        raise Rejected(
            f"{directory} cannot be the directory of chDB: {error.strerror}; correct clickhouse.url"
        ) from None
    except ClickHouseError as error:
        raise Rejected(f"chDB cannot open {directory}: {' '.join(str(error).split())}") from None


def _owner(directory: Path) -> str:
    """The process that has the directory open, as the engine notes it; empty: none."""
    try:
        with (directory / "status").open("rb") as status:
            flock(status, LOCK_EX | LOCK_NB)
    except FileNotFoundError:
        return ""
    except OSError:
        pid = re.search(r"PID: (\d+)", (directory / "status").read_text(errors="replace"))
        return pid[1] if pid else "?"
    return ""


class Spool:
    """Files with rows that the engine is about to read: chDB takes rows from files, not from memory.

    They lie inside the directory, readable by its owner alone, because a killed process leaves the last ones behind;
    what earlier processes left is deleted first. Only the process that has the directory open may make one.
    """

    def __init__(self, directory: Path) -> None:
        spools = directory / "spool"
        spools.mkdir(mode=0o700, exist_ok=True)
        for left in spools.iterdir():
            if left.name != _PROCESS:
                shutil.rmtree(left)
        self._path = spools / _PROCESS
        self._path.mkdir(mode=0o700, exist_ok=True)

    @contextmanager
    def file(self, data: bytes) -> Iterator[Path]:
        """A file with these bytes for as long as the context lasts. Raises ``OSError`` when the disk is nearly full."""
        if shutil.disk_usage(self._path).free < KEPT_FREE_BYTES:
            raise OSError(
                ENOSPC, f"less than {KEPT_FREE_BYTES >> 20} MiB are free on the disk of chDB; free disk space"
            )
        path = self._path / uuid.uuid4().hex
        try:
            path.write_bytes(data)
            yield path
        finally:
            path.unlink(missing_ok=True)


def insert_statement(target: str, file: Path, input_format: str, settings: Mapping[str, Any] | None = None) -> str:
    """The INSERT that reads a file; ``target`` is a table with its columns in parentheses."""
    clause = ", ".join(f"{name} = {quoted(value)}" for name, value in (settings or {}).items())
    return f"INSERT INTO {target} FROM INFILE {quoted(file)}{' SETTINGS ' * bool(clause)}{clause} FORMAT {input_format}"


def identity(directory: Path) -> str:
    """A short text by which a process that owns a directory can be told from one that owns another."""
    return hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:16]


def quoted(value: object) -> str:
    """A text literal of SQL."""
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"
