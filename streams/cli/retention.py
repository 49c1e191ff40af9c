"""``tidewatch retention``: how long rows are kept, legal holds, what was deleted when."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import click

from schemas.failures import Rejected
from schemas.tables import COLUMNS
from sinks.clickhouse import ClickHouse
from sinks.migrations import apply_retention, holds
from streams.cli._answers import print_json
from streams.cli._clickhouse import sentences
from streams.cli._counted import counted
from streams.cli._protected import author, desk, now_ms, reason, record
from streams.cli._publishing import kafka_options, settings

_COUNTED = tuple(table for table, columns in COLUMNS.items() if "_offset" in columns)
"""Tables whose rows are written once: what is less than before was deleted, and not merged."""

_TTLS = """SELECT name AS table, extract(create_table_query, ' TTL (.*?)(?: SETTINGS | COMMENT |$)') AS expires
FROM system.tables WHERE database = currentDatabase() AND expires != '' ORDER BY table"""

_LAST = """SELECT table_name, tenant, day, argMax(rows, taken_at) AS rows FROM retention_census
GROUP BY table_name, tenant, day HAVING rows > 0"""

_DELETED = """SELECT table_name, tenant, day, before AS since, taken_at AS until, toUInt64(known - rows) AS deleted
FROM (SELECT *, lagInFrame(rows) OVER own AS known, lagInFrame(taken_at) OVER own AS before FROM retention_census
WINDOW own AS (PARTITION BY table_name, tenant, day ORDER BY taken_at ROWS BETWEEN 1 PRECEDING AND CURRENT ROW))
WHERE known > rows ORDER BY until, table_name, tenant, day"""

_tenant = click.option("--tenant", required=True, help="Whose rows.")
_table = click.option("--table", "table", default="", help="Only rows of this table; else of all.")
_json = click.option("--json", "as_json", is_flag=True, help="Print an object.")

Counts = dict[tuple[str, str, int], int]
"""Table, tenant, beginning of the day (epoch ms) -> rows."""


@click.group()
def command() -> None:
    """How long rows are kept: show it, hold what must not expire, and report what was deleted when."""


@command.command(short_help="Show how long rows are kept, and the legal holds.")
@kafka_options
@_json
def show(path: str | None, bootstrap_servers: str | None, as_json: bool) -> None:
    """Show after how long the rows of each table expire, and the legal holds."""
    with sentences(), desk(settings(path, bootstrap_servers)) as at:
        expires = {row["table"]: row["expires"] for row in at.clickhouse.query(_TTLS)}
        held = [{"tenant": hold.tenant, "table": hold.table} for hold in holds(at.clickhouse)]
    if as_json:
        print_json({"expires": expires, "holds": held})
        return
    for table, ttl in expires.items():
        click.echo(f"{table}: {ttl}")
    for hold in held:
        click.echo(f"held: tenant {hold['tenant']}, {hold['table'] or 'all tables'}")


@command.command()
@kafka_options
@_tenant
@_table
@reason
@author
def hold(path: str | None, bootstrap_servers: str | None, tenant: str, table: str, reason: str, author: str) -> None:
    """Keep a tenant's rows from expiring, until they are released."""
    _change(path, bootstrap_servers, tenant, table, True, reason, author)
    click.echo(f"held: tenant {tenant}, {table or 'all tables'}")


@command.command(short_help="Let a tenant's rows expire again.")
@kafka_options
@_tenant
@_table
@reason
@author
def release(path: str | None, bootstrap_servers: str | None, tenant: str, table: str, reason: str, author: str) -> None:
    """Let a tenant's rows expire again: those that are due go with the next merges."""
    _change(path, bootstrap_servers, tenant, table, False, reason, author)
    click.echo(f"released: tenant {tenant}, {table or 'all tables'}")


@command.command(short_help="Report what was deleted since rows were counted.")
@kafka_options
@_json
def report(path: str | None, bootstrap_servers: str | None, as_json: bool) -> None:
    """Count the rows of every day, and report what was deleted since they were counted before.

    Run it every day: between two counts lies what was deleted in that time.
    """
    with sentences(), desk(settings(path, bootstrap_servers)) as at:
        take_census(at.clickhouse, now_ms())
        deleted = at.clickhouse.query(_DELETED)
    if as_json:
        print_json({"deleted": deleted})
        return
    for row in deleted:
        whose = f" of tenant {row['tenant']}" if row["tenant"] else ""
        click.echo(
            f"{row['table_name']}: {counted(row['deleted'], 'row')}{whose} from {row['day']:%Y-%m-%d}, "
            f"deleted between {_time(row['since'])} and {_time(row['until'])}"
        )
    if not deleted:
        click.echo("nothing was deleted since rows were first counted")


def _change(
    path: str | None, bootstrap_servers: str | None, tenant: str, table: str, held: bool, reason: str, author: str
) -> None:
    config = settings(path, bootstrap_servers)
    with sentences(), desk(config) as at:
        if table and "tenant" not in COLUMNS.get(table, {}):
            raise Rejected(f"{table} is no table with rows of tenants; tidewatch retention show lists them")
        if not held and (tenant, table) not in holds(at.clickhouse):
            raise Rejected(f"there is no hold on {table or 'all tables'} of tenant {tenant}")
        record(config, tenant, "legal_hold", author, {"table": table, "held": int(held), "reason": reason})
        row: dict[str, list[Any]] = {
            "at": [now_ms()],
            "tenant": [tenant],
            "table_name": [table],
            "held": [held],
            "reason": [reason],
            "author": [author],
        }
        at.clickhouse.insert("legal_holds", row, uuid4().hex)
        apply_retention(at.clickhouse)


def take_census(clickhouse: ClickHouse, taken_ms: int) -> None:
    """Note for each table, tenant and day how many rows there are, where that has changed."""
    known: Counts = {
        (row["table_name"], row["tenant"], _ms(row["day"])): row["rows"] for row in clickhouse.query(_LAST)
    }
    now: Counts = {}
    for table in _COUNTED:
        tenant = "tenant" if "tenant" in COLUMNS[table] else "''"
        for row in clickhouse.query(
            f"SELECT {tenant} AS whose, toStartOfDay(ingested_at) AS day, count() AS rows"  # noqa: S608
            f" FROM {table} GROUP BY whose, day"
        ):
            now[table, row["whose"], _ms(row["day"])] = row["rows"]
    changed = sorted(place for place in known.keys() | now.keys() if known.get(place, 0) != now.get(place, 0))
    if changed:
        tables, tenants, days = (list(column) for column in zip(*changed, strict=True))
        rows = {"table_name": tables, "tenant": tenants, "day": days, "rows": [now.get(place, 0) for place in changed]}
        clickhouse.insert("retention_census", {"taken_at": [taken_ms] * len(changed), **rows}, uuid4().hex)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
