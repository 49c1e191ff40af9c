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


class Migration(NamedTuple):
    """One DDL file: one statement."""

    name: str
    """The file's name without its ending, such as ``0001_raw_metrics``."""
    sql: str


_CREATE = re.compile(
    r"^CREATE (?P<kind>TABLE|VIEW) IF NOT EXISTS (?P<name>\w+)\n\(\n(?P<columns>.*?)\n\)\n", re.M | re.S
)
_COLUMN = re.compile(r"^    (?P<name>\w+) (?P<type>.+?)(?: (?P<extra>CODEC|DEFAULT|ALIAS)\b.*?)? COMMENT '", re.M)


def declared(sql: str) -> tuple[str, dict[str, str], list[str]]:
    """The table or view that a DDL statement creates, its columns with types, and those that rows are inserted with."""
    create = _CREATE.search(sql)
    if create is None:
        return "", {}, []
    columns = list(_COLUMN.finditer(create["columns"]))
    insertable = [c["name"] for c in columns if create["kind"] == "TABLE" and c["extra"] not in ("DEFAULT", "ALIAS")]
    return create["name"], {column["name"]: column["type"] for column in columns}, insertable


MIGRATIONS: tuple[Migration, ...] = tuple(
    Migration(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8"))
    for file in sorted(files(__name__).iterdir(), key=lambda file: file.name)
    if file.name.endswith(".sql")
)

_DECLARED = [declared(migration.sql) for migration in MIGRATIONS]

SCHEMA: dict[str, dict[str, str]] = {name: columns for name, columns, _ in _DECLARED if name}
"""Every table and view -> column -> ClickHouse type, columns in the order of the DDL."""

COLUMNS: dict[str, dict[str, str]] = {
    name: {column: columns[column] for column in insertable} for name, columns, insertable in _DECLARED if insertable
}
"""The tables that rows are inserted into -> the columns to insert, in order -> ClickHouse type."""
