"""The DDL files of ``schemas/tables/`` into a database: each once, in order, remembered in ``tidewatch_migrations``."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from schemas.failures import Rejected, Unavailable
from schemas.retention import Hold, ttl
from schemas.tables import MIGRATIONS, Migration, declared
from sinks.clickhouse import ClickHouse

LEDGER = """CREATE TABLE IF NOT EXISTS tidewatch_migrations
(
    name String COMMENT 'DDL file that was applied, without its ending',
    checksum String COMMENT 'SHA-256 of its statement',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it was applied (UTC)'
)
ENGINE = MergeTree
ORDER BY (name, applied_at)
COMMENT 'DDL files that tidewatch migrate has applied'"""

_TTL = re.compile(r" TTL (?P<ttl>(?P<from>.+?) \+ toIntervalDay\(\d+\).*?)(?: SETTINGS | COMMENT |$)", re.S)


class Step(NamedTuple):
    """A difference between the files and the database."""

    kind: Literal["pending", "drift"]
    """``pending`` goes away by applying; ``drift`` is for a person to mend."""
    name: str
    """The file or the table."""
    text: str
    """What is so; for drift also what to do."""
    done: str = ""
    """What is so once the statements have run."""
    statements: tuple[str, ...] = ()


def migrate(clickhouse: ClickHouse, migrations: Sequence[Migration] = MIGRATIONS) -> list[str]:
    """Apply what is pending; says what was done, a sentence each. Applying twice does nothing the second time.

    Raises ``Rejected`` on drift (one line each, and nothing is applied) and when ClickHouse refuses a file (those
    before it stay applied), ``Unavailable`` when ClickHouse is.
    """
    steps = review(clickhouse, migrations)
    drift = [f"{step.name}: {step.text}" for step in steps if step.kind == "drift"]
    if drift:
        raise Rejected("\n".join(drift))
    if steps:
        clickhouse.create_database()
        clickhouse.command(LEDGER)
    for step in steps:
        try:
            for statement in step.statements:
                clickhouse.command(statement)
        except (Rejected, Unavailable) as error:
            raise type(error)(f"{step.name} could not be applied: {error}") from None
    return [f"{step.name}: {step.done}" for step in steps]


def review(clickhouse: ClickHouse, migrations: Sequence[Migration] = MIGRATIONS) -> list[Step]:
    """What ``migrate`` would do, and what it would stop at. Changes nothing."""
    applied = _applied(clickhouse) if clickhouse.has_database() else {}
    known = [migration for migration in migrations if migration.name in applied]
    pending = [
        _pending(migration, clickhouse.retention_days) for migration in migrations if migration.name not in applied
    ]
    if not known:
        return pending
    return [
        *_changed_files(known, applied),
        *_changed_tables(clickhouse, declared(known)),
        *_changed_retention(clickhouse, declared(known)),
        *pending,
    ]


def _applied(clickhouse: ClickHouse) -> dict[str, str]:
    """Name -> checksum of the files that were applied."""
    if not clickhouse.query(
        "SELECT 1 FROM system.tables WHERE database = currentDatabase() AND name = {ledger:String}",
        {"ledger": "tidewatch_migrations"},
    ):
        return {}
    rows = clickhouse.query(
        "SELECT name, argMax(checksum, applied_at) AS checksum FROM tidewatch_migrations GROUP BY name"
    )
    return {row["name"]: row["checksum"] for row in rows}


def _pending(migration: Migration, retention_days: int) -> Step:
    ddl = migration.sql.replace("{retention_days}", str(retention_days))
    return Step("pending", migration.name, "not applied yet", "applied", (ddl, entry(migration)))


def entry(migration: Migration) -> str:
    """The statement that remembers a file as applied."""
    return f"INSERT INTO tidewatch_migrations (name, checksum) VALUES ('{migration.name}', '{_checksum(migration)}')"  # noqa: S608 - neither is given by anyone


def _checksum(migration: Migration) -> str:
    """Of the statement: a better comment above it changes nothing."""
    statement = re.sub(r"^--.*\n", "", migration.sql, flags=re.M)
    return hashlib.sha256(statement.encode()).hexdigest()


def _changed_files(known: Sequence[Migration], applied: dict[str, str]) -> Iterator[Step]:
    for migration in known:
        if applied[migration.name] != _checksum(migration):
            text = (
                "its file was changed after it was applied: undo that, and put the change into a new numbered file "
                "with ALTER TABLE or CREATE OR REPLACE VIEW"
            )
            yield Step("drift", migration.name, text)
    for name in sorted(applied.keys() - {migration.name for migration in known}):
        yield Step(
            "drift", name, "was applied but has no file: use the version of Tidewatch that has it, or a newer one"
        )


def _changed_tables(clickhouse: ClickHouse, expected: dict[str, dict[str, str]]) -> Iterator[Step]:
    live: dict[str, dict[str, str]] = {}
    for row in clickhouse.query(
        "SELECT table, name, type FROM system.columns WHERE database = currentDatabase() ORDER BY table, position"
    ):
        live.setdefault(row["table"], {})[row["name"]] = row["type"]
    for table, columns in expected.items():
        if table not in live:
            text = (
                "is missing although its file was applied: restore it, or delete the row of its file from "
                "tidewatch_migrations and migrate again"
            )
            yield Step("drift", table, text)
        elif differences := _differences(columns, live[table]):
            yield Step("drift", table, f"{'; '.join(differences)}: mend it with ALTER TABLE, to be as its file says")


def _differences(expected: dict[str, str], live: dict[str, str]) -> list[str]:
    missing = [f"column {name} is missing" for name in expected if name not in live]
    changed = [
        f"column {name} is {live[name]}, not {type_}"
        for name, type_ in expected.items()
        if live.get(name, type_) != type_
    ]
    return missing + changed + [f"column {name} is in no file" for name in live if name not in expected]


def _changed_retention(clickhouse: ClickHouse, expected: dict[str, dict[str, str]]) -> Iterator[Step]:
    held = holds(clickhouse) if "legal_holds" in expected else []
    for row in clickhouse.query(
        "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase()"
    ):
        table, found = row["name"], _TTL.search(row["create_table_query"])
        if found is None or table not in expected:
            continue
        wanted = ttl(table, found["from"], clickhouse.retention_days, clickhouse.retention, held)
        if found["ttl"] != wanted and found["ttl"] != _as_written(clickhouse, table, wanted):
            statement = f"ALTER TABLE {table} MODIFY TTL {wanted}"
            yield Step("pending", table, f"rows expire by {found['ttl']}, to be {wanted}", _kept(wanted), (statement,))


def apply_retention(clickhouse: ClickHouse) -> None:
    """Let rows expire as configuration and legal holds say, and do nothing else: for who may change only that."""
    for step in list(_changed_retention(clickhouse, declared(MIGRATIONS))):
        for statement in step.statements:
            clickhouse.command(statement)


def _kept(wanted: str) -> str:
    plain = re.fullmatch(r".* \+ toIntervalDay\((\d+)\)", wanted)
    return f"rows are kept {plain[1]} days from now on" if plain else f"rows expire by {wanted} from now on"


def _as_written(clickhouse: ClickHouse, table: str, wanted: str) -> str:
    """A TTL as ClickHouse writes it, which puts brackets around some conditions."""
    statement = f"ALTER TABLE {table} MODIFY TTL {wanted}"
    shown: str = clickhouse.query("SELECT formatQuerySingleLine({sql:String}) AS sql", {"sql": statement})[0]["sql"]
    return shown.partition("MODIFY TTL ")[2].removesuffix(")") if "(MODIFY" in shown else shown.partition("TTL ")[2]


def holds(clickhouse: ClickHouse) -> list[Hold]:
    """The legal holds that are in force."""
    rows = clickhouse.query(
        "SELECT tenant, table_name FROM legal_holds GROUP BY tenant, table_name HAVING argMax(held, at)"
        " ORDER BY tenant, table_name"
    )
    return [Hold(row["tenant"], row["table_name"]) for row in rows]
