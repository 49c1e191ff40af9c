"""The tables for a ClickHouse cluster: replicated on every shard, and read and written through Distributed tables.

A batch holds rows of one Kafka partition. Raw tables are sharded by that, so a batch stays one block of one shard and
its token protects it there. Tables in which the highest version of a row counts are sharded by their sorting key, so
that all versions of a row meet. Replicated tables forget tokens by age as well, one hour by default: here 30 days.
"""

import re
from collections.abc import Iterator, Sequence

from schemas.failures import Rejected
from schemas.tables import MIGRATIONS, Migration
from sinks.clickhouse import DATABASE
from sinks.migrations import LEDGER, entry

_CREATE = re.compile(r"^CREATE TABLE (?:IF NOT EXISTS )?(?P<name>\w+)", re.M)
_ALTER = re.compile(r"^ALTER TABLE (?P<name>\w+)", re.M)
_VIEW = re.compile(r"^CREATE (?:OR REPLACE )?VIEW (?:IF NOT EXISTS )?\w+", re.M)
_ENGINE = re.compile(r"^ENGINE = (?P<kind>\w*)MergeTree(?:\((?P<version>\w+)\))?$", re.M)
_SORTING = re.compile(r"^ORDER BY \((?P<key>[^)]+)\)", re.M)
_WINDOW = re.compile(r"non_replicated_deduplication_window = (?P<parts>\d+)")
_TOKEN_SECONDS = 30 * 86_400


def statements(cluster: str, retention_days: int, migrations: Sequence[Migration] = MIGRATIONS) -> Iterator[str]:
    """Everything to run, in order, on any one server of ``cluster``. Rejected when that is no name of a cluster.

    ``{shard}`` and ``{replica}`` in it are macros of the servers.
    """
    if not re.fullmatch(r"\w+", cluster):
        raise Rejected(f"{cluster!r} is no name of a cluster: letters, digits and _")
    yield f"CREATE DATABASE IF NOT EXISTS {DATABASE} ON CLUSTER {cluster}"
    yield f"USE {DATABASE}"
    ledger = LEDGER.replace("tidewatch_migrations", f"tidewatch_migrations ON CLUSTER {cluster}", 1)
    yield _ENGINE.sub("ENGINE = ReplicatedMergeTree('/clickhouse/tables/all/{database}/{table}', '{replica}')", ledger)
    sharding: dict[str, str] = {}
    for migration in migrations:
        ddl = re.sub(r"^--.*\n", "", migration.sql, flags=re.M).strip().rstrip(";")
        ddl = ddl.replace("{retention_days}", str(retention_days))
        yield from _view(ddl, cluster) if _VIEW.search(ddl) else _table(ddl, cluster, sharding)
        yield entry(migration)


def _view(ddl: str, cluster: str) -> Iterator[str]:
    yield _VIEW.sub(lambda found: f"{found[0]} ON CLUSTER {cluster}", ddl, count=1)


def _table(ddl: str, cluster: str, sharding: dict[str, str]) -> Iterator[str]:
    """The statement for the shards' own table, and the Distributed table over them as it is afterwards."""
    found = _CREATE.search(ddl) or _ALTER.search(ddl)
    if found is None:
        raise Rejected(f"a DDL file has a statement that no cluster variant is known of: {ddl[:60]}")
    name = found["name"]
    if name not in sharding:
        sorting = _SORTING.search(ddl)
        assert sorting is not None
        sharding[name] = "_topic, _partition" if "_partition" in ddl else sorting["key"]
    yield _replicated(f"{found[0]}_shard ON CLUSTER {cluster}{ddl[found.end() :]}")
    yield (
        f"CREATE OR REPLACE TABLE {name} ON CLUSTER {cluster} AS {name}_shard"
        f" ENGINE = Distributed('{cluster}', currentDatabase(), {name}_shard, cityHash64({sharding[name]}))"
    )


def _replicated(ddl: str) -> str:
    def engine(found: re.Match[str]) -> str:
        version = f", {found['version']}" if found["version"] else ""
        where = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'"
        return f"ENGINE = Replicated{found['kind']}MergeTree({where}{version})"

    window = rf"replicated_deduplication_window = \g<parts>, replicated_deduplication_window_seconds = {_TOKEN_SECONDS}"
    return _WINDOW.sub(window, _ENGINE.sub(engine, ddl))
