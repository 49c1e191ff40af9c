"""The ClickHouse tables and views, from the comments in their DDL."""

import re

from docs.structs import GENERATED, code, table
from schemas.tables import MIGRATIONS, SCHEMA

FILE = "tables.md"

_OBJECT = re.compile(r"^(?:CREATE (?:OR REPLACE )?|ALTER )(TABLE|VIEW) (?:IF NOT EXISTS )?(\w+)", re.M)
_COLUMN = re.compile(r"^    (?:(?:ADD|MODIFY) COLUMN )?(\w+) [A-Z].*? COMMENT '((?:[^']|'')*)'", re.M)
_COMMENT = re.compile(r"^COMMENT '((?:[^']|'')*)'", re.M)
_WHY = re.compile(r"\A((?:-- .*\n)+)")


def text() -> str:
    """Views first, as an analyst reads them."""
    kinds: dict[str, str] = {}
    about: dict[str, str] = {}
    why: dict[str, str] = {}
    comments: dict[str, dict[str, str]] = {name: {} for name in SCHEMA}
    for migration in MIGRATIONS:
        found = _OBJECT.search(migration.sql)
        if found is None:
            continue
        kind, name = found.groups()
        kinds.setdefault(name, kind.lower())
        comments[name] |= {column: _unquoted(said) for column, said in _COLUMN.findall(migration.sql)}
        if said := _COMMENT.search(migration.sql):
            about[name] = _unquoted(said[1])
        if first := _WHY.search(migration.sql):
            reason = first[1].replace("-- ", "").replace("\n", " ").removeprefix("Why: ").strip()
            why.setdefault(name, reason[0].upper() + reason[1:])
    parts = [GENERATED, "# Tables and views", "Read the views first: they show the latest version of every row."]
    for name in sorted(SCHEMA, key=lambda name: (kinds[name] == "table", list(SCHEMA).index(name))):
        rows = [[code(column), code(kind), comments[name].get(column, "")] for column, kind in SCHEMA[name].items()]
        parts += [
            f"## {name} ({kinds[name]})",
            f"{about[name]}.",
            why[name],
            table(["column", "type", "what it is"], rows),
        ]
    return "\n\n".join(parts) + "\n"


def _unquoted(text: str) -> str:
    return text.replace("''", "'")
