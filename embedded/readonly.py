"""One read-only statement into a chDB directory that this process has open, whoever asks.

chDB runs several statements in one call, reads local files and opens URLs, so nothing a stranger writes may reach it
unseen. Three walls: the engine's own parser must find exactly one statement; that statement, as the engine writes it
back without comments and odd spellings, must be of a kind that reads and call no function that reaches outside; and it
runs on a connection of its own, on which the engine itself forbids to write and to change settings.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import chdb
import orjson

from embedded import native
from embedded.refused import Refused
from sinks.chdb_directory import quoted

KINDS = {"SELECT", "WITH", "SHOW", "DESCRIBE", "EXISTS", "EXPLAIN"}
"""How a statement that reads begins, as the engine writes it."""

TABLE_FUNCTIONS = {
    "format",
    "generate_series",
    "generaterandom",
    "generateseries",
    "merge",
    "null",
    "numbers",
    "numbers_mt",
    "values",
    "view",
    "zeros",
    "zeros_mt",
}
"""The table functions that stay inside the database; every other one the engine has is refused (file, url, s3 ...)."""

FUNCTIONS = {"file", "sleep", "sleepeachrow"}
"""Ordinary functions that read files or hold a thread; also those that begin with ``ai``, which ask a service."""

CLIENT_SETTINGS = {
    "date_time_input_format",
    "date_time_output_format",
    "extremes",
    "final",
    "group_by_use_nulls",
    "join_use_nulls",
    "limit",
    "max_block_size",
    "max_threads",
    "offset",
    "session_timezone",
}
"""Settings a reader may choose, beside ``output_format_*`` and smaller limits."""

_MAX_SQL = 100_000
_TOKEN = re.compile(r"'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\"|[A-Za-z_]\w*|\d[\w.]*|\S", re.S)


class Limits(NamedTuple):
    """What one statement may use."""

    max_execution_time: int = 30
    """Seconds."""
    max_result_rows: int = 1_000_000
    max_result_bytes: int = 268_435_456
    max_memory_usage: int = 2_147_483_648
    """Bytes."""


class Answer(NamedTuple):
    """What a statement returned."""

    body: bytes
    format: str
    rows_read: int
    bytes_read: int
    seconds: float


class Reader:
    """Answers statements from any thread; each gets a connection of its own, so they run side by side."""

    def __init__(self, directory: Path, limits: Limits = Limits()) -> None:  # noqa: B008 - immutable
        self._directory = directory
        self._limits = limits
        connection = self._connect()
        names = connection.query("SELECT lower(name) FROM system.table_functions", "TSV").bytes().decode().split()
        self._forbidden = (set(names) - TABLE_FUNCTIONS) | FUNCTIONS
        if connection.query("SELECT count() FROM system.tables WHERE database = 'default'", "TSV").bytes() == b"0\n":
            # chDB's own default database takes the names of files for tables, and so tells which files there are.
            connection.query("DROP DATABASE default")
            connection.query("CREATE DATABASE default ENGINE = Memory")
        connection.close()

    def answer(
        self,
        sql: str,
        *,
        database: str,
        output_format: str = "TabSeparated",
        parameters: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> Answer:
        """Run one statement; ``output_format`` counts when it names none. Raises :class:`Refused`."""
        connection = self._connect()
        try:
            connection.query(f"USE {identifier(database)}")
            connection.query(f"SET {', '.join(self._settings(settings or {}))}")
            select, stated_format = self._check(connection, sql)
            bound = dict(parameters or {})
            answer = answer_of(connection.query(sql, output_format, params=bound), stated_format or output_format)
            if answer.body or answer.format != "Native" or not select.startswith(("SELECT", "WITH")):
                return answer
            described = connection.query(f"DESCRIBE TABLE ({select})", "JSONCompact", params=bound).bytes()
            return answer._replace(body=native.empty_block(orjson.loads(described)["data"]))
        except (RuntimeError, chdb.ChdbError) as error:
            raise refusal(error) from None
        finally:
            connection.close()

    def _connect(self) -> Any:
        return chdb.connect(str(self._directory))

    def _settings(self, asked: Mapping[str, str]) -> Iterator[str]:
        limits = self._limits._asdict()
        for name, value in asked.items():
            if name in limits:
                if value.isdecimal() and int(value):
                    limits[name] = min(limits[name], int(value))
            elif name not in CLIENT_SETTINGS and not re.fullmatch(r"output_format_\w+", name):
                raise Refused(164, "READONLY", f"Cannot modify '{name}' setting in readonly mode.")
            else:
                yield f"{name} = {quoted(value)}"
        if "session_timezone" not in asked:
            yield "session_timezone = 'UTC'"
        yield from (f"{name} = {value}" for name, value in limits.items())
        yield "readonly = 1"

    def _check(self, connection: Any, sql: str) -> tuple[str, str]:
        """The statement without its FORMAT, and that; raises when it must not run."""
        if len(sql) > _MAX_SQL:
            raise Refused(62, "SYNTAX_ERROR", f"The statement is longer than {_MAX_SQL} characters.")
        written = connection.query(f"SELECT formatQuerySingleLine(unhex('{sql.encode().hex()}'))", "RawBLOB").bytes()
        text: str = written.decode(errors="replace")
        tokens = _TOKEN.findall(text)
        pairs = list(zip(tokens, [*tokens[1:], ""], strict=True))
        if not tokens or tokens[0] not in KINDS:
            raise Refused(164, "READONLY", "Only SELECT, WITH, SHOW, DESCRIBE, EXISTS and EXPLAIN are answered here.")
        if ("INTO", "OUTFILE") in pairs or ("PARALLEL", "WITH") in pairs:
            raise Refused(164, "READONLY", "INTO OUTFILE and PARALLEL WITH are not allowed here.")
        for token, following in pairs:
            name = token.strip('`"').lower()
            if following == "(" and (name in self._forbidden or name.startswith("ai")):
                raise Refused(497, "ACCESS_DENIED", f"The function {name} reaches outside the database.")
        if tokens[-2:-1] != ["FORMAT"]:
            return text, ""
        return text.removesuffix(f" FORMAT {tokens[-1]}"), tokens[-1]


def refusal(error: Exception) -> Refused:
    """An error of chDB, without the words that are ours."""
    text = re.sub(r": In scope SELECT formatQuerySingleLine\(unhex\('[0-9a-f]*'\)\)", "", str(error))
    found = re.search(r"Code: (\d+)\. DB::Exception: .*", text, re.S)
    refused = Refused(int(found[1]) if found else 1002, "UNKNOWN_EXCEPTION", text)
    if found:
        refused.args = (found[0].strip(),)
    return refused


def answer_of(result: Any, output_format: str) -> Answer:
    """What chDB gave back."""
    return Answer(result.bytes() or b"", output_format, result.rows_read(), result.bytes_read(), result.elapsed())


def identifier(name: str) -> str:
    """A name of SQL, quoted."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
