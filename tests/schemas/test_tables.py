"""What Python reads from the DDL files is what ClickHouse makes of them, and the views say the truth."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.config import ClickHouse as Settings
from schemas.tables import COLUMNS, MIGRATIONS, SCHEMA, Migration, declared
from sinks.clickhouse import ClickHouse
from sinks.migrations import migrate
from tests.sinks.rows import columns

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NOON_MS = int(NOON.timestamp() * 1000)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    sink = ClickHouse(Settings(url=f"chdb:{tmp_path_factory.mktemp('tables')}"))
    migrate(sink)
    yield sink
    sink.close()


@pytest.fixture
def sink(migrated: ClickHouse) -> Iterator[ClickHouse]:
    yield migrated
    for table in COLUMNS:
        migrated.command(f"TRUNCATE TABLE {table}")


def put(sink: ClickHouse, table: str, *given: dict[str, Any]) -> None:
    """Rows that differ from made-up ones in what is given; each an insert of its own."""
    for number, row in enumerate(given):
        made = columns(table, 1, first=number)
        sink.insert(table, {**made, **{name: [value] for name, value in row.items()}}, f"{table} {number}")


def test_what_python_reads_from_the_files_is_what_clickhouse_made_of_them(sink: ClickHouse) -> None:
    live: dict[str, dict[str, str]] = {}
    for row in sink.query("SELECT * FROM system.columns WHERE database = currentDatabase() ORDER BY table, position"):
        live.setdefault(row["table"], {})[row["name"]] = row["type"]
    del live["tidewatch_migrations"]
    assert live == SCHEMA
    assert {table: list(names) for table, names in live.items()} == {t: list(names) for t, names in SCHEMA.items()}


def test_columns_to_insert_are_those_that_clickhouse_does_not_fill_in(sink: ClickHouse) -> None:
    for table, names in COLUMNS.items():
        described = sink.query(f"DESCRIBE TABLE {table}")
        assert list(names) == [column["name"] for column in described if not column["default_type"]]


def test_every_column_and_every_table_has_a_comment(sink: ClickHouse) -> None:
    where = "database = currentDatabase() AND comment = ''"
    assert sink.query(f"SELECT table, name FROM system.columns WHERE {where}") == []
    assert sink.query(f"SELECT name FROM system.tables WHERE {where}") == []


def test_a_file_begins_with_why_it_exists_and_holds_one_statement(sink: ClickHouse) -> None:
    for migration in MIGRATIONS:
        assert migration.sql.startswith("-- Why: ")
        sql = migration.sql.replace("{retention_days}", "1")
        sink.query("SELECT formatQuery({sql:String})", {"sql": sql})  # refuses several statements


def test_files_are_numbered_without_gaps_and_named_after_what_they_make() -> None:
    for number, migration in enumerate(MIGRATIONS, start=1):
        assert migration.name.startswith(f"{number:04}_")
        assert list(declared([migration])) in ([], [migration.name[5:]])


def test_a_later_file_may_add_change_and_drop_columns() -> None:
    first = Migration(
        "0001_t", "CREATE TABLE IF NOT EXISTS t\n(\n    a Int32 COMMENT 'x',\n    b Int8 COMMENT 'it''s'\n)\nE"
    )
    second = Migration(
        "0002_t",
        """ALTER TABLE t
    ADD COLUMN c Map(String, String) COMMENT 'x' AFTER a,
    MODIFY COLUMN b Int64 COMMENT 'x',
    ADD COLUMN d DateTime('UTC') DEFAULT now() COMMENT 'x';
""",
    )
    third = Migration("0003_t", "ALTER TABLE t\n    DROP COLUMN a;")
    assert declared([first]) == {"t": {"a": "Int32", "b": "Int8"}}
    after = declared([first, second, third])["t"]
    assert list(after.items()) == [("c", "Map(String, String)"), ("b", "Int64"), ("d", "DateTime('UTC')")]
    assert list(declared([first, second, third], insertable=True)["t"]) == ["c", "b"]


def test_labels_can_be_read_as_a_map(sink: ClickHouse) -> None:
    put(sink, "raw_metrics", {"labels": '{"region":"eu \\"1\\"","method":"GET"}'}, {"labels": "{}"})
    got = sink.query("SELECT label['region'] AS region, length(label) AS n FROM raw_metrics ORDER BY _offset")
    assert got == [{"region": 'eu "1"', "n": 2}, {"region": "", "n": 0}]


def test_the_highest_version_of_each_window_of_a_series_is_the_truth(sink: ClickHouse) -> None:
    key = {"tenant": "t", "name": "jobs_total", "service": "shop", "labels": "{}", "window_seconds": 60}
    put(
        sink,
        "windows",
        {**key, "window_start": NOON_MS, "version": 7, "count": 121},
        {**key, "window_start": NOON_MS, "version": 6, "count": 120},
        {**key, "window_start": NOON_MS + 60_000, "version": 5, "count": 9},
    )
    got = sink.query("SELECT count FROM windows FINAL ORDER BY window_start")
    assert [row["count"] for row in got] == [121, 9]


def test_the_highest_version_of_a_service_level_is_the_truth(sink: ClickHouse) -> None:
    key = {"tenant": "t", "service": "shop", "window_seconds": 60, "window_start": NOON_MS}
    level = {"total": 121.0, "errors": 61.0, "availability_percent": 49.586776859504134, "breaches": ["availability"]}
    put(sink, "sla_windows", {**key, "version": 7, **level}, {**key, "version": 6, **level, "total": 1.0})
    [row] = sink.query("SELECT * FROM sla")
    assert (row["total"], row["errors"], row["availability_percent"]) == (121.0, 61.0, 49.586776859504134)
    assert (row["breached"], row["breaches"]) == (True, ["availability"])
    assert (row["window_start"], (row["window_end"] - row["window_start"]).total_seconds()) == (NOON, 60)


def test_an_error_rate_has_its_denominator_and_is_unknown_without_requests(sink: ClickHouse) -> None:
    key = {"service": "shop", "window_seconds": 60, "version": 1}
    put(
        sink,
        "sla_windows",
        {**key, "window_start": NOON_MS, "total": 121.0, "errors": 61.0},
        {**key, "window_start": NOON_MS + 60_000, "total": 0.0, "errors": 0.0},
    )
    got = sink.query("SELECT total, errors, error_ratio, errors_per_second FROM error_rates ORDER BY window_start")
    assert got[0] == {"total": 121.0, "errors": 61.0, "error_ratio": 61 / 121, "errors_per_second": 61 / 60}
    assert got[1] == {"total": 0.0, "errors": 0.0, "error_ratio": None, "errors_per_second": 0.0}


def test_slo_shows_the_latest_budget_of_each_objective_in_its_highest_version(sink: ClickHouse) -> None:
    budget = {"tenant": "t", "service": "shop", "objective": "shop-uptime", "version": 7, "at": NOON_MS + 60_000}
    left = {"state": "ok", "target": 0.999, "achieved": 0.9995, "remaining": 0.5, "burn_rate": None}
    put(
        sink,
        "objective_budgets",
        {**budget, **left, "exhausted_at": NOON_MS + 120_000},
        {**budget, **left, "version": 6, "remaining": 0.75},
        {**budget, **left, "at": NOON_MS, "version": 9, "remaining": 1.0},
        {**budget, **left, "objective": "shop-latency", "state": "no data", "achieved": None, "exhausted_at": None},
    )
    latency, uptime = sink.query("SELECT * FROM slo ORDER BY objective")
    assert (uptime["remaining_percent"], uptime["target_percent"], uptime["burn_rate"]) == (50.0, 99.9, None)
    assert (uptime["counted_at"] - NOON).total_seconds() == 60
    assert (uptime["exhausted_at"] - NOON).total_seconds() == 120
    assert (latency["state"], latency["achieved_percent"], latency["exhausted_at"]) == ("no data", None, None)


def test_a_minute_of_an_objective_is_kept_in_whole_units_in_its_highest_version(sink: ClickHouse) -> None:
    minute = {"tenant": "t", "objective": "shop-uptime", "service": "shop", "minute": NOON_MS}
    put(
        sink,
        "objective_minutes",
        {**minute, "version": 7, "bad": 1, "total": 2**62 + 1},
        {**minute, "version": 6, "bad": 0, "total": 5},
    )
    assert sink.query("SELECT bad, total FROM objective_minutes FINAL") == [{"bad": 1, "total": 2**62 + 1}]


def test_a_compliance_score_counts_each_verdict_once_and_leaves_out_what_was_not_evaluated(sink: ClickHouse) -> None:
    verdict = {"time": NOON_MS + 1, "tenant": "t", "framework": "gdpr", "policy": "p", "control": "art-6", "_offset": 1}
    put(
        sink,
        "verdicts",
        {**verdict, "verdict": "compliant"},
        {**verdict, "verdict": "compliant"},  # the same verdict, stored twice
        {**verdict, "verdict": "non_compliant", "control": "art-32"},
        {**verdict, "verdict": "compliant", "_offset": 2},
        {**verdict, "verdict": "not_evaluated", "_offset": 3},
        {**verdict, "verdict": "compliant", "_incarnation": "two"},
        {**verdict, "verdict": "not_evaluated", "framework": "pci"},
        {**verdict, "verdict": "compliant", "time": NOON_MS + 3_600_000},
    )
    got = sink.query("SELECT * FROM compliance_scores ORDER BY framework, hour")
    assert [(row["framework"], row["hour"].hour, row["evaluated"], row["score_percent"]) for row in got] == [
        ("gdpr", 12, 4, 75.0),
        ("gdpr", 13, 1, 100.0),
        ("pci", 12, 0, None),
    ]
    assert (got[0]["compliant"], got[0]["violations"], got[0]["not_evaluated"]) == (3, 1, 1)


def test_the_security_summary_counts_events_actors_and_addresses_a_minute(sink: ClickHouse) -> None:
    event = {"tenant": "t", "service": "sshd", "kind": "auth_failure", "outcome": "failure", "actor": "root"}
    put(
        sink,
        "raw_security",
        {**event, "time": NOON_MS, "address": "203.0.113.9"},
        {**event, "time": NOON_MS + 59_999, "address": "203.0.113.10"},
        {**event, "time": NOON_MS + 60_000, "address": "203.0.113.9"},
    )
    got = sink.query("SELECT minute, events, actors, addresses FROM security_summary ORDER BY minute")
    assert [(row["minute"].minute, row["events"], row["actors"], row["addresses"]) for row in got] == [
        (0, 2, 1, 2),
        (1, 1, 1, 1),
    ]


def test_alerts_shows_the_latest_state_and_the_history_without_repetitions(sink: ClickHouse) -> None:
    alert = {
        "tenant": "t",
        "rule": "SLABreach",
        "fingerprint": 7,
        "labels": {"severity": "critical", "service": "shop"},
        "step": "",
        "noted_at": 0,
    }
    states = [("pending", "condition_true", 0), ("firing", "held_for", 60), ("firing", "resend", 60)]
    states += [("resolved", "condition_false", 120)]
    put(
        sink,
        "alert_history",
        *(
            {**alert, "state": state, "reason": reason, "changed_at": NOON_MS + 1000 * at, "recorded_at": NOON_MS + n}
            for n, (state, reason, at) in enumerate([*states, states[1]])  # ... and one transition recorded twice
        ),
        {**alert, "fingerprint": 8, "state": "firing", "reason": "held_for", "changed_at": NOON_MS},
    )
    first, second = sink.query("SELECT * FROM alerts ORDER BY fingerprint")
    assert (first["state"], first["severity"], first["fired"]) == ("resolved", "critical", 1)
    assert first["labels"] == {"severity": "critical", "service": "shop"}
    assert [step["state"] for step in first["history"]] == ["pending", "firing", "resolved"]
    assert second["state"] == "firing"


def test_alerts_shows_who_was_told_and_who_has_it_in_hand_while_it_fires(sink: ClickHouse) -> None:
    firing = {"tenant": "t", "rule": "Down", "state": "firing", "changed_at": NOON_MS, "author": "", "step": ""}
    handled: list[dict[str, Any]] = [
        {"reason": "held_for", "noted_at": 0},
        {"reason": "escalated", "step": "on-call", "noted_at": NOON_MS + 1},
        {"reason": "escalated", "step": "manager", "noted_at": NOON_MS + 2},
        {"reason": "silenced", "noted_at": NOON_MS + 3},
        {"reason": "acknowledged", "author": "ada", "until": NOON_MS + 9000, "noted_at": NOON_MS + 4},
        {"reason": "acknowledged", "author": "bo", "until": 0, "noted_at": NOON_MS + 5},
    ]
    rows = [{**firing, **row, "recorded_at": NOON_MS + n} for n, row in enumerate(handled)]
    put(sink, "alert_history", *({**row, "fingerprint": 1} for row in rows))
    over = {**firing, "state": "resolved", "reason": "condition_false", "changed_at": NOON_MS + 1, "noted_at": 0}
    put(sink, "alert_history", *({**row, "fingerprint": 2} for row in [*rows, over]))
    put(sink, "alert_history", {**firing, "fingerprint": 1, "reason": "released", "noted_at": NOON_MS + 6})

    first, second = sink.query("SELECT * FROM alerts ORDER BY fingerprint")
    assert (first["step"], first["acknowledged_by"], first["muted"]) == ("manager", "bo", "")
    assert first["acknowledged_until"].timestamp() == 0
    assert (first["fired"], [step["state"] for step in first["history"]]) == (1, ["firing"])
    assert (second["state"], second["step"], second["acknowledged_by"], second["muted"]) == ("resolved", "", "", "")


def test_current_health_is_the_latest_of_each_component_with_what_it_depends_on(sink: ClickHouse) -> None:
    """Who has said nothing for 30 seconds is silent, whatever it said last."""
    now_ms = time.time_ns() // 1_000_000
    api = {"tenant": "t", "service": "shop", "component": "api", "ingested_at": now_ms, "check_duration_ms": 2.5}
    put(
        sink,
        "raw_health",
        {**api, "time": now_ms - 9_000, "status": "up", "dependency": "postgres", "message": ""},
        {**api, "time": now_ms - 8_000, "status": "down", "dependency": "postgres", "message": "refused"},
        {**api, "time": now_ms - 7_000, "status": "up", "dependency": "cache", "message": ""},
        {**api, "time": now_ms - 6_000, "status": "degraded", "dependency": "", "message": "slow"},
        {**api, "time": now_ms - 40_000, "status": "up", "dependency": "", "component": "old", "message": ""},
        {**api, "time": now_ms, "status": "up", "component": "gone", "ingested_at": now_ms - 2 * 86_400_000},
    )
    got = sink.query("SELECT * FROM current_health ORDER BY component")
    assert [(row["component"], row["status"], row["reported"], row["message"]) for row in got] == [
        ("api", "degraded", "degraded", "slow"),
        ("old", "silent", "up", ""),
    ]
    assert (got[0]["dependencies"], got[0]["failing"]) == (["cache", "postgres"], ["postgres"])
