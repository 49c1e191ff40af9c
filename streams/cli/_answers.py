"""Answers of ClickHouse in its format JSONCompact, for machines and for people."""

import json
import sys
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from streams.cli._clickhouse import Ask


class Answer:
    """Columns with their ClickHouse types, and rows. Times in UTC are ISO 8601, whole numbers are numbers."""

    def __init__(self, json_compact: bytes) -> None:
        answer = json.loads(json_compact)
        self.columns: dict[str, str] = {column["name"]: column["type"] for column in answer["meta"]}
        types = [column["type"].removeprefix("Nullable(") for column in answer["meta"]]
        self.rows: list[list[Any]] = [
            [_plain(type_, value) for type_, value in zip(types, row, strict=True)] for row in answer["data"]
        ]

    def objects(self) -> list[dict[str, Any]]:
        """The rows by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def show(self) -> None:
        """Print a table. A pipe gets every row on one line, however long."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name, type_ in self.columns.items():
            number = type_.removeprefix("Nullable(").startswith(("Int", "UInt", "Float", "Decimal"))
            table.add_column(Text(name), justify="right" if number else "left", overflow="fold")
        for row in self.rows:
            table.add_row(*map(_cell, row))
        Console(width=None if sys.stdout.isatty() else 1_000_000, highlight=False).print(table)


def ask_for(ask: Ask, sql: str) -> Answer:
    """Ask, for an :class:`Answer`."""
    return Answer(ask(sql, "JSONCompact"))


def print_json(value: Any) -> None:
    """As JSON, readable."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _plain(type_: str, value: Any) -> Any:
    if isinstance(value, str) and type_.startswith(("Int", "UInt")):
        return int(value)  # older servers quote what JavaScript cannot hold
    if isinstance(value, str) and type_.startswith("DateTime") and "'UTC'" in type_:
        return value.replace(" ", "T") + "Z"
    return value


def _cell(value: Any) -> Text:
    """Texts as they are but for control characters, which could play with the terminal; anything else as JSON."""
    if value is None:
        return Text("NULL", style="dim")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Text("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text))
