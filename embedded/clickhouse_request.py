"""A request of the ClickHouse HTTP protocol, taken apart: statement, data, parameters, settings, password."""

import re
from base64 import b64decode
from typing import NamedTuple

import pyarrow as pa
from aiohttp import web

from embedded.refused import Refused

_NO_SETTINGS = re.compile(
    r"add_http_cors_header|buffer_size|cancel_http_readonly_queries_on_client_close|client_protocol_version|compress"
    r"|database|decompress|default_format|enable_http_compression|http_\w+|param_.*|password|query|query_id|quota_key"
    r"|readonly|role|send_progress_in_http_headers|session_check|session_id|session_timeout|user|wait_end_of_query"
)
"""URL parameters that the engine does not know as settings, or that are decided here."""

INSERT = re.compile(
    r"\s*INSERT\s+INTO\s+(?:TABLE\s+)?(?P<target>[\w.`\"]+\s*(?:\([^()]*\))?)"
    r"\s*FORMAT\s+(?P<format>\w+)[ \t]*;?(?:\r?\n|$)",
    re.I,
)
"""An INSERT whose rows follow it, or are the body of the request."""


class Statement(NamedTuple):
    """What a request asks for."""

    sql: str
    data: bytes
    """Rows for an INSERT."""
    database: str
    output_format: str
    """Used when the statement names none."""
    parameters: dict[str, str]
    settings: dict[str, str]
    revision: int
    """Of the Native format that the client reads; 0: the oldest."""


async def statement(request: web.Request, database: str, limit: int) -> Statement:
    """Read a request, whose body may have ``limit`` bytes. ``database`` stands for a missing or ``default`` one."""
    fields = dict(request.query)
    body = b""
    if request.content_type == "multipart/form-data":
        fields |= await _form(request)
    else:
        body = await _body(request, limit)
    for name in ("compress", "decompress"):
        if fields.get(name, "0") not in ("0", "false"):
            raise Refused(48, "NOT_IMPLEMENTED", f"{name}=1 is not spoken here: turn compression off in the client.")
    sql, data = _split(fields.get("query", ""), body)
    stated = fields.get("database", request.headers.get("X-ClickHouse-Database", ""))
    return Statement(
        sql,
        data,
        database if stated in ("", "default") else stated,
        _output_format(fields.get("default_format", request.headers.get("X-ClickHouse-Format", "TabSeparated"))),
        {name.removeprefix("param_"): value for name, value in fields.items() if name.startswith("param_")},
        {name: value for name, value in fields.items() if not _NO_SETTINGS.fullmatch(name) and _is_name(name)},
        int(fields["client_protocol_version"]) if fields.get("client_protocol_version", "").isdecimal() else 0,
    )


def password(request: web.Request) -> str:
    """The password that came with a request in one of ClickHouse's ways; empty: none."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            return b64decode(given, validate=True).decode().partition(":")[2]
        except ValueError:
            raise Refused(516, "AUTHENTICATION_FAILED", "The Authorization header cannot be read.") from None
    if scheme.lower() == "bearer":
        return given
    return request.headers.get("X-ClickHouse-Key", "") or request.query.get("password", "")


async def _form(request: web.Request) -> dict[str, str]:
    form = await request.post()
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    if len(fields) < len(form):
        raise Refused(48, "NOT_IMPLEMENTED", "External tables are not taken here.")
    return fields


async def _body(request: web.Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_chunked(1 << 16):
        body += chunk
        if len(body) > limit:
            raise Refused(229, "QUERY_IS_TOO_LARGE", f"The body has more than {limit} bytes.")
    if request.headers.get("Content-Encoding") == "lz4":  # aiohttp knows the other ones
        return bytes(pa.CompressedInputStream(pa.BufferReader(bytes(body)), "lz4").read())
    return bytes(body)


def _split(query: str, body: bytes) -> tuple[str, bytes]:
    """Statement and data: the statement may stand in the URL, in the body, or begin in one and end in the other."""
    try:
        if query:
            insert = INSERT.fullmatch(query)
            return (query, body) if insert else (f"{query}\n{body.decode()}" if body else query, b"")
        insert = INSERT.match(body[: 1 << 16].decode(errors="replace"))
        if insert is None:
            return body.decode(), b""
        head = insert[0].encode()
        return insert[0], body[len(head) :]
    except UnicodeDecodeError:
        raise Refused(62, "SYNTAX_ERROR", "The statement is no UTF-8 text.") from None


def _is_name(name: str) -> bool:
    if not re.fullmatch(r"\w+", name):
        raise Refused(115, "UNKNOWN_SETTING", "A name of a setting has letters, digits and _ only.")
    return True


def _output_format(name: str) -> str:
    if not re.fullmatch(r"\w+", name):
        raise Refused(73, "UNKNOWN_FORMAT", "A name of a format has letters and digits only.")
    return name
