"""The ClickHouse HTTP protocol for a process that owns a chDB directory, so that every ClickHouse client can ask it.

Everyone may read, one statement a call (see :mod:`embedded.readonly`). Whoever sends the write credential as password
may do anything: workers on the same machine, whose inserts come through here because chDB has one owner. The protocol
is https://clickhouse.com/docs/interfaces/http; answers are not compressed, and sessions are not kept.
"""

import asyncio
import hmac
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import chdb
import orjson
from aiohttp import web

from embedded.clickhouse_request import INSERT, Statement, password, statement
from embedded.native import CUSTOM_SERIALIZATION_REVISION, with_block_info
from embedded.readonly import Answer, Limits, Reader, answer_of, identifier, refusal
from embedded.refused import Refused
from sinks.chdb_directory import identity, insert_statement, quoted
from sinks.clickhouse import ClickHouse

READERS, WRITERS = 4, 2
"""Statements that run at the same time."""

WAITING = 64
"""Statements that may run or wait; further ones are told to come back."""

READ_BYTES, WRITE_BYTES = 1 << 20, 1 << 29
"""The largest body of a reader's and of a writer's request."""

_STATUS = {48: 501, 60: 404, 81: 404, 159: 408, 164: 403, 202: 503, 229: 413, 497: 403, 516: 403}
_BAD_REQUEST = {6, 27, 36, 41, 42, 43, 46, 47, 50, 53, 62, 70, 72, 73, 115, 117, 306, 386, 456, 457}
"""HTTP status of ClickHouse's error codes; 500 for others."""

_CONTENT_TYPES = {
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "TSV": "text/tab-separated-values; charset=UTF-8",
}


def application(
    sink: ClickHouse,
    write_credential: str | None = None,
    limits: Limits = Limits(),  # noqa: B008 - immutable
) -> web.Application:
    """``GET`` and ``POST /``, ``GET /ping``. ``sink`` must be on chDB; close it after the application's clean-up."""
    server = _Server(sink, write_credential, limits)
    app = web.Application(client_max_size=READ_BYTES)
    app.add_routes([web.get("/ping", server.ping), web.get("/", server.handle), web.post("/", server.handle)])
    app.on_cleanup.append(server.close)
    return app


class _Server:
    def __init__(self, sink: ClickHouse, write_credential: str | None, limits: Limits) -> None:
        assert sink.directory is not None
        self._sink = sink
        self._directory = sink.directory
        self._credential = write_credential
        self._reader = Reader(sink.directory, limits)
        self._read_threads = ThreadPoolExecutor(READERS, thread_name_prefix="clickhouse-read")
        self._write_threads = ThreadPoolExecutor(WRITERS, thread_name_prefix="clickhouse-write")
        self._pending = 0
        self._headers = {
            "X-ClickHouse-Server-Display-Name": "tidewatch",
            "X-ClickHouse-Timezone": "UTC",
            "X-Tidewatch-Directory": identity(sink.directory),
        }

    async def close(self, _: web.Application) -> None:
        """Wait for what is running."""
        await asyncio.to_thread(self._read_threads.shutdown)
        await asyncio.to_thread(self._write_threads.shutdown)

    async def ping(self, _: web.Request) -> web.Response:
        return web.Response(text="Ok.\n", headers=self._headers)

    async def handle(self, request: web.Request) -> web.Response:
        try:
            writer = self._may_write(request)
            asked = await statement(request, self._sink.database, WRITE_BYTES if writer else READ_BYTES)
            if not asked.sql.strip():
                return await self.ping(request)
            if writer:
                return self._respond(await self._run(self._write_threads, self._write, asked))
            return self._respond(await self._run(self._read_threads, self._read, asked))
        except Refused as refused:
            status = 400 if refused.code in _BAD_REQUEST else _STATUS.get(refused.code, 500)
            headers = {**self._headers, "X-ClickHouse-Exception-Code": str(refused.code)}
            return web.Response(text=f"{refused}\n", status=status, headers=headers)

    def _may_write(self, request: web.Request) -> bool:
        given = password(request)
        if not given:
            return False
        if self._credential and hmac.compare_digest(given.encode(), self._credential.encode()):
            return True
        text = "Authentication failed: readers need no password here, and this one is not the write credential."
        raise Refused(516, "AUTHENTICATION_FAILED", text)

    async def _run(self, threads: ThreadPoolExecutor, call: Callable[[Statement], Answer], asked: Statement) -> Answer:
        if self._pending >= WAITING:
            raise Refused(202, "TOO_MANY_SIMULTANEOUS_QUERIES", f"{WAITING} statements are running or waiting.")
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, call, asked)
        finally:
            self._pending -= 1

    def _read(self, asked: Statement) -> Answer:
        answer = self._reader.answer(
            asked.sql,
            database=asked.database,
            output_format=asked.output_format,
            parameters=asked.parameters,
            settings=asked.settings,
        )
        if answer.format == "Native" and asked.revision >= CUSTOM_SERIALIZATION_REVISION:
            return answer._replace(body=with_block_info(answer.body))
        return answer

    def _write(self, asked: Statement) -> Answer:
        connection = chdb.connect(str(self._directory))
        try:
            connection.query(f"USE {identifier(asked.database)}")
            if asked.settings:
                connection.query(
                    "SET " + ", ".join(f"{name} = {quoted(value)}" for name, value in asked.settings.items())
                )
            insert = INSERT.fullmatch(asked.sql)
            if insert is None:
                result = connection.query(asked.sql, asked.output_format, params=asked.parameters)
                return answer_of(result, asked.output_format)
            with self._sink.spool.file(asked.data) as file:
                return answer_of(connection.query(insert_statement(insert["target"], file, insert["format"])), "Null")
        except (RuntimeError, chdb.ChdbError) as error:
            raise refusal(error) from None
        except OSError as error:
            raise Refused(243, "NOT_ENOUGH_SPACE", f"{error.strerror}.") from None
        finally:
            connection.close()

    def _respond(self, answer: Answer) -> web.Response:
        did = "written" if answer.format == "Null" else "read"
        summary = {
            f"{did}_rows": str(answer.rows_read),
            f"{did}_bytes": str(answer.bytes_read),
            "elapsed_ns": str(int(answer.seconds * 1e9)),
        }
        headers = {
            **self._headers,
            "X-ClickHouse-Summary": orjson.dumps(summary).decode(),
            "Content-Type": _CONTENT_TYPES.get(answer.format, "application/octet-stream"),
        }
        if answer.format != "Null":
            headers["X-ClickHouse-Format"] = answer.format
        return web.Response(body=answer.body, headers=headers)
