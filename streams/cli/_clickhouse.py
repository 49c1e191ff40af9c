"""How a command asks ClickHouse: a server; else the process that owns the chDB directory; else the directory itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import click
import msgspec

from embedded.readonly import Reader
from embedded.refused import Refused
from schemas import config
from schemas.failures import Rejected, Unavailable
from sinks.chdb_directory import identity
from sinks.clickhouse import ClickHouse
from streams.config import load

Ask = Callable[[str, str], bytes]
"""Statement, output format -> what ClickHouse answers. It cannot write."""


def settings(path: str | None) -> config.ClickHouse:
    """The ``clickhouse`` section of the configuration; ends the command with a sentence when it is wrong."""
    with sentences():
        return load(path).clickhouse


@contextmanager
def sentences() -> Iterator[None]:
    """Failures as one sentence and exit status 1, instead of a traceback."""
    try:
        yield
    except (Rejected, Unavailable, Refused) as error:
        raise click.ClickException(str(error)) from None


@contextmanager
def asking(clickhouse: config.ClickHouse) -> Iterator[Ask]:
    """An open connection for statements that read."""
    scheme, _, directory = clickhouse.url.partition(":")
    owner = f"http://127.0.0.1:{clickhouse.embedded_port}/"
    if scheme != "chdb":
        sink = ClickHouse(clickhouse)
        ask: Ask = sink.raw_query
    elif owned(clickhouse.embedded_port, Path(directory)):
        sink = ClickHouse(msgspec.structs.replace(clickhouse, url=owner, password="", password_file=""))
        ask = sink.raw_query
    elif (Path(directory) / "metadata").is_dir():
        sink = ClickHouse(clickhouse)
        ask = _direct(Path(directory).resolve(), sink.database)
    else:
        raise Unavailable(f"{directory} holds no data yet: run `tidewatch worker` or `tidewatch demo` first")
    try:
        yield ask
    finally:
        sink.close()


def owned(port: int, directory: Path) -> bool:
    """Whether the process that answers on a local port is the one that has the directory open."""
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().getheader("X-Tidewatch-Directory") == identity(directory)
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _direct(directory: Path, database: str) -> Ask:
    reader = Reader(directory)

    def ask(sql: str, output_format: str) -> bytes:
        return reader.answer(sql, database=database, output_format=output_format).body

    return ask
