"""The ClickHouse sink on chDB: what goes in comes out, once, and what cannot is refused with a reason."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.config import ClickHouse as Settings
from schemas.failures import Rejected, Unavailable
from schemas.tables import COLUMNS, Coded
from sinks.chdb_directory import KEPT_FREE_BYTES
from sinks.clickhouse import ClickHouse
from sinks.migrations import migrate
from tests.sinks import rows

ONCE = sorted(table for table, columns in COLUMNS.items() if "_offset" in columns)
"""The tables whose rows must be there exactly once."""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "clickhouse"


@pytest.fixture
def sink(directory: Path) -> Iterator[ClickHouse]:
    sink = ClickHouse(Settings(url=f"chdb:{directory}"))
    migrate(sink)
    yield sink
    sink.close()


def count(sink: ClickHouse, table: str) -> int:
    [row] = sink.query(f"SELECT count() AS n FROM {table}")
    return int(row["n"])


def python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own: chDB has one owner."""
    root = Path(__file__).parents[2]
    return subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, cwd=root)


def test_a_row_comes_back_as_it_was_given(sink: ClickHouse) -> None:
    sink.insert("raw_security", rows.columns("raw_security", 4), "token")
    row = sink.query("SELECT * FROM raw_security ORDER BY _offset")[3]
    assert row["time"] == datetime.fromtimestamp(rows.START_MS / 1000, UTC) + timedelta(milliseconds=30)
    assert row["actor"] == '{"é":"3"}'
    assert row["kind"] == "text 3"
    assert row["encrypted"] is None
    assert row["attributes"] == {"key": "value 3"}
    assert (row["_topic"], row["_partition"], row["_offset"], row["_incarnation"]) == ("metrics", 3, 3, "one")


@pytest.mark.parametrize("table", sorted(COLUMNS))
def test_every_table_takes_rows_of_its_columns(sink: ClickHouse, table: str) -> None:
    sink.insert(table, rows.columns(table, 100), "token")
    assert count(sink, table) == (7 if table == "evidence_heads" else 100), "of a chain the newest head is kept"


def test_a_full_batch_that_is_repeated_is_stored_once(sink: ClickHouse, directory: Path) -> None:
    """Also when another process repeats it, later; for every table whose rows must be there exactly once."""
    for table in ONCE:
        batch = rows.columns(table, 50_000)
        sink.insert(table, batch, "metrics/one/3/0-49999")
        sink.insert(table, batch, "metrics/one/3/0-49999")
        assert count(sink, table) == 50_000
        [parts] = sink.query("SELECT max(rows) AS rows FROM system.parts WHERE table = {t:String}", {"t": table})
        assert parts["rows"] == 50_000, "one block, so that one token covers it"
    sink.close()
    again = python(_REPEAT, str(directory), *ONCE)
    assert again.stdout.split() == ["50000"] * len(ONCE), again.stderr


_REPEAT = """
import sys
from schemas.config import ClickHouse as Settings
from sinks.chdb_directory import KEPT_FREE_BYTES
from sinks.clickhouse import ClickHouse
from tests.sinks import rows

sink = ClickHouse(Settings(url=f"chdb:{sys.argv[1]}"))
for table in sys.argv[2:]:
    sink.insert(table, rows.columns(table, 50_000), "metrics/one/3/0-49999")
    print(sink.query(f"SELECT count() AS n FROM {table}")[0]["n"])
sink.close()
"""


def test_the_same_rows_under_another_token_are_other_rows(sink: ClickHouse) -> None:
    for token in ("first", "second"):
        sink.insert("raw_metrics", rows.columns("raw_metrics", 10), token)
    assert count(sink, "raw_metrics") == 20


def test_stored_offsets_are_those_of_one_partition_of_one_life_of_a_topic_from_the_first_on(sink: ClickHouse) -> None:
    batch = rows.columns("raw_health", 10, first=100)
    sink.insert("raw_health", batch, "a")
    sink.insert("raw_health", {**batch, "_partition": [4] * 10}, "b")
    sink.insert("raw_health", {**batch, "_incarnation": ["two"] * 10, "_offset": range(10)}, "c")
    assert sink.stored_offsets("raw_health", "metrics", "one", 3, 104) == set(range(104, 110))
    assert sink.stored_offsets("raw_health", "metrics", "two", 3, 0) == set(range(10))
    assert sink.stored_offsets("raw_health", "other", "one", 3, 0) == set()


def test_reading_back_looks_only_where_the_offsets_can_be(sink: ClickHouse) -> None:
    """Recovery waits for it; batches are one merged part in the end."""
    for batch in range(4):
        sink.insert("raw_metrics", rows.columns("raw_metrics", 50_000, first=50_000 * batch), str(batch))
    sink.command("OPTIMIZE TABLE raw_metrics FINAL")
    plan = sink.query("EXPLAIN indexes = 1 SELECT _offset FROM raw_metrics WHERE _offset >= 190000")
    lines = [line.strip() for row in plan for line in row.values()]
    granules = [line for line in lines if line.startswith("Granules:")]
    chosen, of = granules[-1].removeprefix("Granules: ").split("/")
    assert int(chosen) < int(of) / 2


def test_codes_may_name_the_same_text_twice(sink: ClickHouse) -> None:
    batch = rows.columns("raw_metrics", 3)
    sink.insert("raw_metrics", {**batch, "name": Coded([0, 1, 2], ["a", "b", "a"])}, "token")
    assert [row["name"] for row in sink.query("SELECT name FROM raw_metrics ORDER BY _offset")] == ["a", "b", "a"]


def test_bytes_that_are_no_text_are_kept_as_they_are(sink: ClickHouse) -> None:
    batch = rows.columns("dead_letters", 2)
    sink.insert("dead_letters", {**batch, "value": [b"\xff\x00{", b""]}, "token")
    got = sink.query("SELECT hex(value) AS value FROM dead_letters ORDER BY _offset")
    assert [row["value"] for row in got] == ["FF007B", ""]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"value": ["secret", 1.0]}, "raw_metrics.value: a value is no Float64"),
        ({"_offset": [1, 2**70]}, "raw_metrics._offset: a value is no Int64"),
        ({"event_id": ["a", None]}, "raw_metrics.event_id: None in a column that is not Nullable"),
        ({"name": Coded([0, 1], ["a", None])}, "raw_metrics.name: None in a column that is not Nullable"),
        ({"name": Coded([0, 9], ["a"])}, "raw_metrics.name: a value is no LowCardinality(String)"),
        ({"event_id": ["a"]}, "raw_metrics: columns of different length"),
        ({"colour": ["red"]}, "raw_metrics: missing or unknown columns: colour"),
    ],
)
def test_rows_that_can_never_be_stored_are_rejected_without_repeating_a_value(
    sink: ClickHouse, change: dict[str, object], says: str
) -> None:
    with pytest.raises(Rejected) as rejected:
        sink.insert("raw_metrics", {**rows.columns("raw_metrics", 2), **change}, "token")  # type: ignore[dict-item]
    assert str(rejected.value).startswith(says)
    assert "secret" not in str(rejected.value)
    assert count(sink, "raw_metrics") == 0


def test_a_missing_table_is_unavailable_because_migrating_helps(sink: ClickHouse) -> None:
    sink.command("DROP TABLE raw_metrics")
    with pytest.raises(Unavailable, match=r"UNKNOWN_TABLE \(run `tidewatch migrate`\)"):
        sink.insert("raw_metrics", rows.columns("raw_metrics", 2), "token")


def test_an_altered_column_rejects_rows_without_repeating_them(sink: ClickHouse) -> None:
    sink.command("ALTER TABLE dead_letters MODIFY COLUMN value DateTime")
    batch = {**rows.columns("dead_letters", 1), "value": [b"secret"]}
    with pytest.raises(Rejected) as rejected:
        sink.insert("dead_letters", batch, "token")
    assert "dead_letters" in str(rejected.value)
    assert "secret" not in str(rejected.value)


def test_a_wrong_query_is_rejected_with_the_words_of_clickhouse(sink: ClickHouse) -> None:
    with pytest.raises(Rejected, match=r"UNKNOWN_IDENTIFIER.*colour"):
        sink.query("SELECT colour FROM raw_metrics")


def test_parameters_are_bound_and_not_pasted(sink: ClickHouse) -> None:
    hostile = "'; DROP TABLE raw_metrics; --\\\n\t"
    assert sink.query("SELECT {text:String} AS text", {"text": hostile}) == [{"text": hostile}]
    assert count(sink, "raw_metrics") == 0


def test_what_a_killed_process_left_in_the_spool_is_deleted_at_the_next_start(
    sink: ClickHouse, directory: Path
) -> None:
    sink.close()
    left = directory / "spool" / "killed" / "rows"
    left.parent.mkdir()
    left.write_bytes(b"personal data")
    reopened = ClickHouse(Settings(url=f"chdb:{directory}"))
    reopened.insert("raw_metrics", rows.columns("raw_metrics", 2), "token")
    reopened.close()
    assert [path for path in (directory / "spool").rglob("*") if path.is_file()] == []
    assert (directory / "spool").stat().st_mode & 0o077 == 0


def test_no_rows_are_taken_while_the_disk_is_nearly_full(sink: ClickHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine may lose rows that it has when the last byte is gone."""
    usage = shutil.disk_usage(sink.directory)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=KEPT_FREE_BYTES - 1))
    with pytest.raises(Unavailable, match="raw_metrics failed: less than 256 MiB are free"):
        sink.insert("raw_metrics", rows.columns("raw_metrics", 2), "token")

    monkeypatch.undo()
    sink.insert("raw_metrics", rows.columns("raw_metrics", 2), "token")
    assert count(sink, "raw_metrics") == 2


def test_the_directory_is_for_its_owner_alone(sink: ClickHouse, directory: Path) -> None:
    assert directory.stat().st_mode & 0o077 == 0


def test_a_directory_that_another_process_has_open_is_unavailable(sink: ClickHouse, directory: Path) -> None:
    other = python(_OPEN, str(directory))
    assert other.stdout.startswith(f"Unavailable process {os.getpid()}, such as a worker, has"), (
        other.stdout + other.stderr
    )


_OPEN = """
import sys
from schemas.config import ClickHouse as Settings
from sinks.chdb_directory import KEPT_FREE_BYTES
from sinks.clickhouse import ClickHouse

try:
    ClickHouse(Settings(url=f"chdb:{sys.argv[1]}"))
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_file_in_place_of_the_directory_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Rejected, match="cannot be the directory of chDB"):
        ClickHouse(Settings(url=f"chdb:{tmp_path}/file"))
