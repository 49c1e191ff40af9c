"""A report as JSON: its content as it is, times in epoch ms, beside its digest."""

import msgspec
import orjson

from streams.reports.digest import digest_of
from streams.reports.document import Report


def render(report: Report) -> bytes:
    """``{"digest": ..., "report": ...}``; the digest is of the report's canonical JSON."""
    content = msgspec.to_builtins(report)
    return orjson.dumps({"digest": digest_of(content), "report": content}, option=orjson.OPT_INDENT_2) + b"\n"
