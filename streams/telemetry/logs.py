"""Logs on standard error: one JSON object a line (or a line for people), with trace ids, never with event content.

The text of an exception often quotes the value it stumbled over. So only exceptions known to be free of content keep
theirs; of any other the type and the places in the code are told.
"""

import json
import logging
import re
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO

import orjson
from opentelemetry import trace

from schemas.config import Log
from schemas.failures import Rejected, Unavailable

_SAFE_ERRORS = (Rejected, Unavailable, OSError)
_SAFE_MODULES = ("aiokafka.errors",)
_CHATTY = ("aiokafka", "faust", "mode", "urllib3", "asyncio", "aiohttp", "opentelemetry")
_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def configure(log: Log, stream: TextIO | None = None) -> None:
    """Sends every logger of the process to ``stream`` (standard error); libraries speak from warnings on."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if log.format == "json" else ConsoleFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(log.level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))


class JsonFormatter(logging.Formatter):
    """``time``, ``level``, ``logger``, ``message``, the trace ids, what ``extra=`` gave, and ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": _time(record).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_trace_ids(),
            **_extra(record),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        try:
            return orjson.dumps(fields, default=str).decode()
        except orjson.JSONEncodeError:  # half a surrogate pair, or a number beyond 64 bits
            return json.dumps(fields, default=str)

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802 - the name that logging calls
        return safe_text(ei[1])


class ConsoleFormatter(logging.Formatter):
    """A line for people; control characters are escaped, so that no message can pretend to be another line."""

    def format(self, record: logging.LogRecord) -> str:
        pairs = "".join(f" {key}={value}" for key, value in _extra(record).items())
        start = f"{_time(record):%H:%M:%S}.{int(record.msecs):03d} {record.levelname:<7} {record.name}: "
        line = start + _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", record.getMessage() + pairs)
        return f"{line}\n{safe_text(record.exc_info[1])}" if record.exc_info else line


def safe_text(error: BaseException | None) -> str:
    """Types, texts that are free of event content, and places in the code; causes first."""
    chain: list[BaseException] = []
    while error is not None and all(error is not seen for seen in chain):
        chain.insert(0, error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\nwhich led to\n".join(_one(link) for link in chain)


def _one(error: BaseException) -> str:
    known = isinstance(error, _SAFE_ERRORS) or type(error).__module__ in _SAFE_MODULES
    lines = [type(error).__qualname__ + (f": {error}" if known else "")]
    frames = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__), lookup_lines=False)
    lines += [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    if isinstance(error, BaseExceptionGroup):
        lines += [f"holds {safe_text(member)}" for member in error.exceptions]
    return "\n".join(lines)


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _extra(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


def _trace_ids() -> dict[str, str]:
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": trace.format_trace_id(context.trace_id), "span_id": trace.format_span_id(context.span_id)}
