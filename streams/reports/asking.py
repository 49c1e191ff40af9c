"""Asking ClickHouse for a report: rows with numbers as numbers, and the pieces of SQL that every question has."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

import orjson

from streams.stored.sql import text

Ask = Callable[[str, str], bytes]
"""Statement, output format -> the answer of ClickHouse."""


def rows(ask: Ask, sql: str) -> list[dict[str, Any]]:
    """The answer, by column. Raises what asking raises."""
    answer = orjson.loads(ask(sql, "JSONCompact"))
    whole = [column["type"].removeprefix("Nullable(").startswith(("Int", "UInt")) for column in answer["meta"]]
    names = [column["name"] for column in answer["meta"]]
    return [
        {
            name: int(value) if is_whole and isinstance(value, str) else value
            for name, value, is_whole in zip(names, row, whole, strict=True)
        }
        for row in answer["data"]
    ]


def instant(at_ms: int) -> str:
    """An instant as SQL that people can read."""
    at = datetime.fromtimestamp(at_ms // 1000, UTC)
    fraction = f".{at_ms % 1000:03}" if at_ms % 1000 else ""
    return f"toDateTime64('{at:%Y-%m-%d %H:%M:%S}{fraction}', 3, 'UTC')"


def between(column: str, start_ms: int, end_ms: int) -> str:
    """A condition on a column of times: [start, end)."""
    return f"{column} >= {instant(start_ms)} AND {column} < {instant(end_ms)}"


def listed(values: Collection[str]) -> str:
    """Texts for ``IN``."""
    return f"({', '.join(text(value) for value in values) or text('')})"
