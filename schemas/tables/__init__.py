"""The ClickHouse tables and views: one numbered ``*.sql`` file each, applied in order by ``tidewatch migrate``.

The files are the only place that names columns and types; what Python needs to know of them is read from there, which
is why a file keeps to one column a line: name, type, then CODEC, DEFAULT or ALIAS, then COMMENT. ``{retention_days}``
in a file stands for ``clickhouse.retention_days`` of the configuration.
"""

import re
from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Coded(NamedTuple):
    """A column by its distinct values: row ``i`` is ``values[codes[i]]``. Cheap where values repeat."""

    codes: "Sequence[int] | NDArray[np.integer[Any]]"
    values: Sequence[Any]


class Maps(Sequence[dict[int, int]]):
    """A column of maps, flat: row ``i`` has the keys and values from ``ends[i - 1]`` to ``ends[i]``."""

    def __init__(
        self, ends: "NDArray[np.integer[Any]]", keys: "NDArray[np.integer[Any]]", values: "NDArray[np.integer[Any]]"
    ) -> None:
        self.ends = ends
        self.keys = keys
        self.values = values

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            start, stop, _ = at.indices(len(self.ends))
            first, last = self._begin(start), self._begin(stop)
            return Maps(self.ends[start:stop] - first, self.keys[first:last], self.values[first:last])
        if not 0 <= at < len(self.ends):
            raise IndexError(at)
        mine = slice(self._begin(at), int(self.ends[at]))
        return dict(zip(self.keys[mine].tolist(), self.values[mine].tolist(), strict=True))

    def _begin(self, row: int) -> int:
        return int(self.ends[row - 1]) if row else 0


class Migration(NamedTuple):
    """One DDL file: one statement."""

    name: str
    """The file's name without its ending, such as ``0001_raw_metrics``."""
    sql: str


MIGRATIONS: tuple[Migration, ...] = tuple(
    Migration(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8"))
    for file in sorted(files(__name__).iterdir(), key=lambda file: file.name)
    if file.name.endswith(".sql")
)

_CREATE = re.compile(
    r"^CREATE (?:OR REPLACE )?(?P<kind>TABLE|VIEW) (?:IF NOT EXISTS )?(?P<name>\w+)\n\(\n(?P<columns>.*?)\n\)\n",
    re.M | re.S,
)
_ALTER = re.compile(r"^ALTER TABLE (?P<name>\w+)\n(?P<columns>.*)", re.M | re.S)
_COLUMN = re.compile(
    r"^    (?:(?P<action>ADD|MODIFY|DROP) COLUMN )?(?P<name>\w+)"
    r"(?: (?P<type>[A-Z].*?)(?: (?P<extra>CODEC|DEFAULT|ALIAS)\b.*?)? COMMENT '.*?'(?: AFTER (?P<after>\w+))?)?[,;]?$",
    re.M,
)


def declared(migrations: Sequence[Migration], insertable: bool = False) -> dict[str, dict[str, str]]:
    """Tables and views -> columns in order -> ClickHouse types, as they are after these files.

    ``insertable``: only tables, and only the columns that ClickHouse does not fill in by itself (DEFAULT, ALIAS).
    """
    schema: dict[str, dict[str, str]] = {}
    for _, sql in migrations:
        create = _CREATE.search(sql)
        if create and not (insertable and create["kind"] == "VIEW"):
            schema[create["name"]] = {}
        statement = create or _ALTER.search(sql)
        if statement is None or statement["name"] not in schema:
            continue
        for change in _COLUMN.finditer(statement["columns"]):
            if not (insertable and change["extra"] in ("DEFAULT", "ALIAS")):
                _change(schema[statement["name"]], change)
    return schema


def _change(columns: dict[str, str], change: re.Match[str]) -> None:
    if change["action"] == "DROP":
        del columns[change["name"]]
        return
    columns[change["name"]] = change["type"]
    if change["after"]:
        later = list(columns)[list(columns).index(change["after"]) + 1 : -1]
        columns.update({name: columns.pop(name) for name in later})


SCHEMA: dict[str, dict[str, str]] = declared(MIGRATIONS)
"""Every table and view -> column -> ClickHouse type, columns in the order of the DDL."""

COLUMNS: dict[str, dict[str, str]] = declared(MIGRATIONS, insertable=True)
"""The tables that rows are inserted into -> the columns to insert, in order -> ClickHouse type."""
