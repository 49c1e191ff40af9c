"""A ClickHouse as it was measured to be: tokens remembered before the part is in place, all of a block or nothing."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.failures import Unavailable
from schemas.tables import COLUMNS, Coded
from streams.batch import Rows
from tests.model.world import Process, World

Row = tuple[Any, ...]


class Tables:
    """What is stored."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = defaultdict(list)
        self.located: dict[tuple[str, int], Counter[tuple[str, int]]] = defaultdict(Counter)
        """(topic, partition) -> rows of each (table, offset)."""
        self._tokens: set[tuple[str, str]] = set()

    def insert(self, table: str, rows: list[Row], token: str) -> None:
        """Whole, or not at all when the token is known."""
        if (table, token) in self._tokens:
            return
        self.log_token(table, token)
        self.rows[table] += rows
        if "_offset" in COLUMNS[table]:
            topic, partition, offset = map(list(COLUMNS[table]).index, ("_topic", "_partition", "_offset"))
            for row in rows:
                self.located[row[topic], row[partition]][table, row[offset]] += 1

    def log_token(self, table: str, token: str) -> None:
        """The first half of an insert."""
        self._tokens.add((table, token))

    def final(self, table: str, key: int) -> dict[Row, Row]:
        """The rows without their version, by the first ``key`` columns; the highest version of each counts."""
        version = list(COLUMNS[table]).index("version")
        newest = {row[:key]: row for row in sorted(self.rows[table], key=lambda row: row[version])}
        return {at: row[:version] + row[version + 1 :] for at, row in newest.items()}


class Sink:
    """The client of one worker; its calls are coroutines, which the model's loop runs where threads would be."""

    def __init__(self, world: World, process: Process, tables: Tables) -> None:
        self.world = world
        self.process = process
        self.tables = tables

    async def insert(self, table: str, columns: Mapping[str, Any], token: str) -> None:
        rows = _rows(columns)
        await self.world.request(
            self.process,
            f"insert into {table}" + (" to repair" if "repair" in token else ""),
            lambda: self.tables.insert(table, rows, token),
            Unavailable("no answer"),
            lambda: self.tables.log_token(table, token),
        )

    async def stored_offsets(self, table: str, topic: str, incarnation: str, partition: int, first: int) -> set[int]:
        def read() -> set[int]:
            located = self.tables.located[topic, partition]
            return {offset for (name, offset) in located if name == table and offset >= first}

        return await self.world.request(self.process, "read-back", read, Unavailable("no answer"))


def _rows(columns: Rows) -> list[Row]:
    return list(zip(*map(_values, columns.values()), strict=True))


def _values(column: Any) -> list[Any]:
    if isinstance(column, Coded):
        return [column.values[code] for code in column.codes]
    if isinstance(column, np.ndarray):
        values: list[Any] = column.tolist()
        return values
    return column.to_pylist() if isinstance(column, pa.Array) else list(column)
