"""The DDL for a cluster: ClickHouse can parse it, and it shards so that tokens and versions keep their sense."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from schemas.config import ClickHouse as Settings
from schemas.failures import Rejected
from schemas.tables import COLUMNS, SCHEMA
from sinks.clickhouse import ClickHouse
from sinks.cluster import statements
from streams.cli import main

ALL = list(statements("main", 90))


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    sink = ClickHouse(Settings(url=f"chdb:{tmp_path_factory.mktemp('cluster') / 'clickhouse'}"))
    yield sink
    sink.close()


@pytest.mark.parametrize("statement", ALL, ids=lambda text: " ".join(text.split()[:9]))
def test_clickhouse_can_parse_it(statement: str, sink: ClickHouse) -> None:
    assert sink.query(f"EXPLAIN AST {statement}")


def test_the_parser_does_refuse_nonsense(sink: ClickHouse) -> None:
    with pytest.raises(Rejected):
        sink.query(f"EXPLAIN AST {ALL[3].replace('ENGINE', 'ENGIN')}")


def test_every_table_and_view_is_made_on_the_cluster() -> None:
    made = {
        match[1]
        for text in ALL
        if (match := re.match(r"CREATE (?:OR REPLACE )?(?:TABLE|VIEW)[A-Z ]* (\w+) ON CLUSTER main", text))
    }
    assert made >= SCHEMA.keys()
    assert not [text for text in ALL if text.startswith(("CREATE", "ALTER")) and " ON CLUSTER main" not in text]


def test_rows_that_must_be_there_once_are_sharded_by_their_kafka_partition_and_their_tokens_last() -> None:
    """A batch is then one block of one shard."""
    for table in (table for table, columns in COLUMNS.items() if "_offset" in columns):
        [own] = [text for text in ALL if text.startswith(f"CREATE TABLE IF NOT EXISTS {table}_shard ")]
        assert "ENGINE = ReplicatedMergeTree(" in own
        assert (
            "SETTINGS replicated_deduplication_window = 20000, replicated_deduplication_window_seconds = 2592000" in own
        )
        for whole in (text for text in ALL if text.startswith(f"CREATE OR REPLACE TABLE {table} ")):
            assert whole.endswith(f"{table}_shard, cityHash64(_topic, _partition))")


def test_all_versions_of_a_row_are_on_one_shard() -> None:
    [whole] = [text for text in ALL if text.startswith("CREATE OR REPLACE TABLE windows ")]
    assert whole.endswith("cityHash64(tenant, window_seconds, name, service, labels, window_start))")
    [own] = [text for text in ALL if text.startswith("CREATE TABLE IF NOT EXISTS windows_shard ")]
    assert "ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', version)" in own


def test_the_command_prints_it_and_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke(main, ["migrate", "--cluster", "main"])
    assert run.exit_code == 0, run.output
    assert run.output.count(" ON CLUSTER main") == sum(" ON CLUSTER main" in text for text in ALL)
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_none_is_rejected() -> None:
    with pytest.raises(Rejected, match="no name of a cluster"):
        list(statements("a b", 90))
