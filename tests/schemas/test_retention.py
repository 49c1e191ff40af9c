"""Days of tables and of categories, and legal holds, as TTLs that ClickHouse takes and that say what was meant."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.config import ClickHouse as Settings
from schemas.failures import Rejected
from schemas.retention import Hold, Rule, read_rules, ttl
from sinks.clickhouse import ClickHouse
from sinks.migrations import apply_retention, migrate
from streams.cli.retention import _DELETED, take_census
from tests.sinks.rows import START_MS, columns

DAY_MS = 86_400_000


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[ClickHouse]:
    sink = ClickHouse(Settings(url=f"chdb:{tmp_path}/clickhouse", retention_days=20_000))
    migrate(sink)
    yield sink
    sink.close()


def test_without_rules_every_table_has_the_same_days() -> None:
    assert ttl("windows", "written_at", 365, [], []) == "written_at + toIntervalDay(365)"


def test_a_table_and_its_categories_have_days_of_their_own() -> None:
    rules = read_rules(["raw_processing phi = 2190", "raw_processing personal=30", "dead_letters = 30"])

    assert ttl("dead_letters", "x", 365, rules, []) == "x + toIntervalDay(30)"
    assert ttl("raw_processing", "x", 365, rules, []) == (
        "x + toIntervalDay(2190) WHERE has(data_categories, 'phi'), "
        "x + toIntervalDay(30) WHERE has(data_categories, 'personal') AND NOT (has(data_categories, 'phi')), "
        "x + toIntervalDay(365) WHERE NOT (has(data_categories, 'phi')) AND NOT (has(data_categories, 'personal'))"
    )


@pytest.mark.parametrize("line", ["x", "nothing = 3", "windows phi = 3", "dead_letters = 0", "raw_processing a b = 3"])
def test_a_rule_that_means_nothing_is_refused(line: str) -> None:
    with pytest.raises(Rejected, match=line):
        read_rules([line])


def test_a_hold_is_of_a_tenant_in_a_table_or_in_all() -> None:
    holds = [Hold("acme", ""), Hold("o'neil", "windows")]

    assert ttl("windows", "x", 9, [], holds) == "x + toIntervalDay(9) WHERE tenant NOT IN ('acme', 'o\\'neil')"
    assert ttl("sla_windows", "x", 9, [], holds) == "x + toIntervalDay(9) WHERE tenant NOT IN ('acme')"


def test_what_is_due_goes_and_what_is_held_or_of_a_longer_category_stays(sink: ClickHouse) -> None:
    """Rows of November 2026, seen from later: how much later is what the days of the rules say."""
    sink.insert("raw_processing", {**columns("raw_processing", 4), **_rows(["a", "a", "b", "b"])}, "t")
    sink.retention = [Rule("raw_processing", "", 1), Rule("raw_processing", "phi", 20_000)]
    hold = {"at": [START_MS], "tenant": ["b"], "table_name": [""], "held": [True], "reason": ["court"], "author": ["x"]}
    sink.insert("legal_holds", hold, "hold")

    apply_retention(sink)
    sink.command("OPTIMIZE TABLE raw_processing FINAL")

    assert migrate(sink) == []
    left = sink.query("SELECT tenant, _offset FROM raw_processing ORDER BY _offset")
    assert [(row["tenant"], row["_offset"]) for row in left] == [("a", 1), ("b", 2), ("b", 3)]


def test_what_was_deleted_is_what_is_less_than_before(sink: ClickHouse) -> None:
    sink.insert("raw_processing", {**columns("raw_processing", 4), **_rows(["a", "a", "b", "b"])}, "t")
    take_census(sink, START_MS)
    sink.command("ALTER TABLE raw_processing DELETE WHERE tenant = 'a' SETTINGS mutations_sync = 2")
    take_census(sink, START_MS + DAY_MS)
    take_census(sink, START_MS + 2 * DAY_MS)

    [row] = sink.query(_DELETED)

    assert (row["table_name"], row["tenant"], row["deleted"]) == ("raw_processing", "a", 2)
    assert [round(row[name].timestamp() * 1000) for name in ("since", "until")] == [START_MS, START_MS + DAY_MS]


def _rows(tenants: list[str]) -> dict[str, list[object]]:
    old = [START_MS - 400 * DAY_MS] * 4
    return {"tenant": [*tenants], "data_categories": [[], ["phi"], [], ["phi"]], "ingested_at": [*old]}
