"""Migrations: applied once and in order, drift found and explained, a broken file named."""

from collections.abc import Iterator

import pytest

from schemas.config import ClickHouse as Settings
from schemas.failures import Rejected
from schemas.tables import COLUMNS, MIGRATIONS, Migration
from sinks.clickhouse import ClickHouse
from sinks.migrations import migrate, review


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    sink = ClickHouse(Settings(url=f"chdb:{tmp_path_factory.mktemp('migrations')}"))
    yield sink
    sink.close()


@pytest.fixture
def sink(opened: ClickHouse) -> ClickHouse:
    """An empty database."""
    opened.command("DROP DATABASE tidewatch")
    opened.create_database()
    opened.retention_days = 365
    return opened


def texts(sink: ClickHouse) -> list[str]:
    return [f"{step.kind} {step.name}: {step.text}" for step in review(sink)]


def test_every_file_is_applied_once(sink: ClickHouse) -> None:
    assert migrate(sink) == [f"{migration.name}: applied" for migration in MIGRATIONS]
    assert migrate(sink) == []
    names = sink.query("SELECT name, length(checksum) AS hex, applied_at FROM tidewatch_migrations ORDER BY name")
    assert [(row["name"], row["hex"]) for row in names] == [(migration.name, 64) for migration in MIGRATIONS]


def test_looking_changes_nothing(sink: ClickHouse) -> None:
    assert [step.kind for step in review(sink)] == ["pending"] * len(MIGRATIONS)
    assert sink.query("SHOW TABLES") == []


def test_a_new_file_is_applied_after_those_that_were(sink: ClickHouse) -> None:
    migrate(sink)
    later = Migration("0099_colour", "ALTER TABLE raw_health\n    ADD COLUMN colour String COMMENT 'x' AFTER status;\n")
    assert migrate(sink, [*MIGRATIONS, later]) == ["0099_colour: applied"]
    assert migrate(sink, [*MIGRATIONS, later]) == []


def test_a_better_comment_above_a_statement_is_no_change(sink: ClickHouse) -> None:
    migrate(sink)
    first = Migration(MIGRATIONS[0].name, MIGRATIONS[0].sql.replace("-- Why:", "-- Why, in other words:"))
    assert migrate(sink, [first, *MIGRATIONS[1:]]) == []


def test_a_file_that_was_changed_after_it_was_applied_stops_everything(sink: ClickHouse) -> None:
    migrate(sink, MIGRATIONS[:-1])
    first = Migration(MIGRATIONS[0].name, MIGRATIONS[0].sql.replace("value Float64", "value Float32"))
    with pytest.raises(Rejected, match=r"0001_raw_metrics: its file was changed after it was applied: undo that, and"):
        migrate(sink, [first, *MIGRATIONS[1:]])
    assert MIGRATIONS[-1].name not in [row["name"] for row in sink.query("SELECT name FROM tidewatch_migrations")]


def test_a_database_that_is_newer_than_the_files_stops_everything(sink: ClickHouse) -> None:
    migrate(sink)
    newest = MIGRATIONS[-1].name
    with pytest.raises(Rejected, match=f"{newest}: was applied but has no file: use the version of Tidewatch"):
        migrate(sink, MIGRATIONS[:-1])


def test_a_table_that_was_altered_by_hand_is_drift(sink: ClickHouse) -> None:
    migrate(sink)
    sink.command("ALTER TABLE windows DROP COLUMN zero_count, MODIFY COLUMN scale Int32, ADD COLUMN colour String")
    sink.command("DROP VIEW alerts")
    assert texts(sink) == [
        "drift windows: column zero_count is missing; column scale is Int32, not Int8; column colour is in no file: "
        "mend it with ALTER TABLE, to be as its file says",
        "drift alerts: is missing although its file was applied: restore it, or delete the row of its file from "
        "tidewatch_migrations and migrate again",
    ]
    sink.command("ALTER TABLE windows ADD COLUMN zero_count UInt64, MODIFY COLUMN scale Int8, DROP COLUMN colour")
    sink.command("DELETE FROM tidewatch_migrations WHERE name LIKE '%_alerts'")
    assert migrate(sink) == ["0014_alerts: applied", "0016_alerts: applied"]


def test_a_broken_file_is_named_with_the_reason_and_those_before_it_stay_applied(sink: ClickHouse) -> None:
    broken = Migration(
        "0002_broken", "-- Why: a test\nCREATE TABLE t\n(\n    a Strong COMMENT 'x'\n)\nENGINE = MergeTree"
    )
    with pytest.raises(Rejected, match=r"0002_broken could not be applied: .*Strong"):
        migrate(sink, [MIGRATIONS[0], broken, MIGRATIONS[2]])
    assert [row["name"] for row in sink.query("SELECT name FROM tidewatch_migrations")] == [MIGRATIONS[0].name]
    assert migrate(sink, MIGRATIONS[:1]) == []


def test_another_retention_is_taken_up_by_every_table(sink: ClickHouse) -> None:
    migrate(sink)
    sink.retention_days = 30
    changed = migrate(sink)
    kept_for_ever = {"erasures", "evidence_heads", "evidence_seals", "legal_holds"}
    kept_for_ever |= {"retention_census", "subject_keys", "tenant_members"}
    expiring = sorted(COLUMNS.keys() - kept_for_ever)
    assert changed == [f"{table}: rows are kept 30 days from now on" for table in expiring]
    assert migrate(sink) == []
    for row in sink.query(
        "SELECT create_table_query AS ddl FROM system.tables WHERE name IN {t:Array(String)}", {"t": expiring}
    ):
        assert "toIntervalDay(30)" in row["ddl"]


def test_rows_that_are_past_their_retention_go_and_others_stay(sink: ClickHouse) -> None:
    sink.retention_days = 10
    migrate(sink)
    for days in (5, 15):
        sink.command(f"INSERT INTO raw_health (service, ingested_at) SELECT 's', now64(3) - INTERVAL {days} DAY")
    sink.command("OPTIMIZE TABLE raw_health FINAL")
    [row] = sink.query("SELECT count() AS rows, max(age('day', ingested_at, now64(3))) AS oldest FROM raw_health")
    assert row == {"rows": 1, "oldest": 5}
