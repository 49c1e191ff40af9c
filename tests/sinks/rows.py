"""Rows for any table of ``schemas/tables``, made from the types of its columns."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from schemas.tables import COLUMNS, Coded

START_MS = 1_795_000_000_000


def columns(table: str, count: int, first: int = 0) -> dict[str, Sequence[Any] | Coded]:
    """``count`` distinct rows of one partition, with offsets from ``first`` on; repetitive texts are ``Coded``."""
    made = {name: _VALUES[type_](count, first) for name, type_ in COLUMNS[table].items()}
    fixed = {
        "_topic": Coded(np.zeros(count, dtype=np.int32), ["metrics"]),
        "_incarnation": Coded(np.zeros(count, dtype=np.int32), ["one"]),
        "_partition": np.full(count, 3, dtype=np.int32),
        "_offset": np.arange(first, first + count),
        "ingested_at": np.full(count, START_MS, dtype=np.int64),
    }
    return {**made, **{name: values for name, values in fixed.items() if name in made}}


def _each(value: Callable[[int], Any]) -> Callable[[int, int], list[Any]]:
    return lambda count, first: [value(i) for i in range(first, first + count)]


def _coded(count: int, first: int) -> Coded:
    return Coded([i % 7 for i in range(first, first + count)], [f"text {i}" for i in range(7)])


_VALUES: dict[str, Callable[[int, int], Any]] = {
    "LowCardinality(String)": _coded,
    "String": _each(lambda i: f'{{"é":"{i}"}}'),
    "FixedString(32)": _each(lambda i: i.to_bytes(32, "big")),
    "Float64": _each(lambda i: i / 8),
    "Bool": _each(lambda i: i % 2 == 0),
    "Nullable(Float64)": _each(lambda i: None if i % 2 else i / 8),
    "Nullable(Bool)": _each(lambda i: (None, True, False)[i % 3]),
    "Nullable(Int32)": _each(lambda i: None if i % 2 else i),
    "Int8": _each(lambda i: i % 100 - 50),
    "Int32": _each(lambda i: i),
    "Int64": _each(lambda i: i),
    "UInt32": _each(lambda i: 60 * (1 + i % 2)),
    "UInt64": _each(lambda i: 2**63 + i),
    "DateTime64(3, 'UTC')": _each(lambda i: START_MS + 10 * i),
    "Nullable(DateTime64(3, 'UTC'))": _each(lambda i: None if i % 2 else START_MS + 10 * i),
    "Array(String)": _each(lambda i: [f"text {i}"] * (i % 3)),
    "Array(LowCardinality(String))": _each(lambda i: ["personal", f"kind {i % 5}"][: i % 3]),
    "Map(LowCardinality(String), String)": _each(lambda i: {"key": f"value {i}"} if i % 2 else {}),
    "Map(Int32, UInt64)": _each(lambda i: {-3: i, i % 9: 1}),
}
