"""``tidewatch sql``, ``deadletters`` and ``migrate``: against the owner of a chDB directory, and into a free one."""

import base64
import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from embedded.clickhouse import application
from schemas.config import ClickHouse as Settings
from schemas.tables import MIGRATIONS
from sinks.clickhouse import ClickHouse
from sinks.migrations import migrate
from streams.cli import main
from tests.serving import serving
from tests.sinks import rows

Run = Callable[..., Result]

VALUES = [b"\xff\x00{", b'{"a":\n1}\x1b[2J', b""]


def runner(tmp_path: Path, url: str, port: int) -> Run:
    file = tmp_path / "tidewatch.toml"
    file.write_text(f'[clickhouse]\nurl = "{url}"\nembedded_port = {port}\n')

    def run(*arguments: str, text: str | None = None) -> Result:
        return CliRunner().invoke(main, [*arguments, "--config", str(file)], input=text)

    return run


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[ClickHouse]:
    sink = ClickHouse(Settings(url=f"chdb:{tmp_path / 'data'}"))
    migrate(sink)
    sink.insert("raw_health", {**rows.columns("raw_health", 2), "message": ["it's [bold] \x1b[2J", "two\nlines"]}, "a")
    sink.insert("dead_letters", {**rows.columns("dead_letters", 3), "reason": ["a", "a", "b"], "value": VALUES}, "b")
    yield sink
    sink.close()


@pytest.fixture(params=["from its owner", "from the directory"])
def run(request: pytest.FixtureRequest, filled: ClickHouse, tmp_path: Path) -> Iterator[Run]:
    """A command in both situations: a worker answers on its port, or nobody has the directory open."""
    url = f"chdb:{tmp_path / 'data'}"
    if request.param == "from its owner":
        with serving(lambda: application(filled)) as port:
            yield runner(tmp_path, url, port)
    else:
        filled.close()
        yield runner(tmp_path, url, 1)


def test_sql_prints_a_table_a_row_on_a_line_and_no_control_characters(run: Run) -> None:
    result = run("sql", "SELECT time, message, _offset, NULL AS nothing FROM raw_health ORDER BY _offset;")
    lines = [line.split("  ") for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [cell.strip() for cell in lines[0] if cell] == ["time", "message", "_offset", "nothing"]
    assert "it's [bold] \\x1b[2J" in result.stdout
    assert "two\\nlines" in result.stdout
    assert result.stderr == "2 rows\n"


def test_sql_json_is_an_array_of_objects(run: Run) -> None:
    sql = (
        "SELECT time, message, toUInt64(18446744073709551615) AS big, [1, 2] AS list FROM raw_health WHERE _offset = 0"
    )
    result = run("sql", "--json", sql)
    assert json.loads(result.stdout) == [
        {"time": "2026-11-18T11:06:40.000Z", "message": "it's [bold] \x1b[2J", "big": 2**64 - 1, "list": [1, 2]}
    ]
    assert json.loads(run("sql", "--json", "SELECT 1 AS x WHERE false").stdout) == []


def test_sql_csv_has_a_header_and_quotes_what_needs_it(run: Run) -> None:
    result = run("sql", "--csv", "SELECT _offset, message FROM raw_health ORDER BY _offset")
    assert list(csv.reader(io.StringIO(result.stdout))) == [
        ["_offset", "message"],
        ["0", "it's [bold] \x1b[2J"],
        ["1", "two\nlines"],
    ]


def test_sql_takes_a_statement_from_standard_input(run: Run) -> None:
    assert json.loads(run("sql", "--json", "-", text="SELECT 1\nAS x;\n").stdout) == [{"x": 1}]


@pytest.mark.parametrize(
    "sql", ["DROP TABLE raw_health", "SELECT 1; DROP TABLE raw_health", "SELECT file('/etc/passwd')"]
)
def test_sql_only_reads(run: Run, sql: str) -> None:
    result = run("sql", sql)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert json.loads(run("sql", "--json", "SELECT count() AS n FROM raw_health").stdout) == [{"n": 2}]


def test_sql_repeats_what_clickhouse_says_is_wrong(run: Run) -> None:
    result = run("sql", "SELECT colour FROM raw_health")
    assert result.exit_code == 1
    assert "colour" in result.stderr
    assert "UNKNOWN_IDENTIFIER" in result.stderr
    assert result.stderr.count("\n") == 1


def test_deadletters_counts_by_reason_and_shows_the_latest(run: Run) -> None:
    result = run("deadletters")
    assert result.exit_code == 0
    summary, latest = result.stdout.split("\n\n")
    assert [line.split()[:2] for line in summary.splitlines()[1:]] == [["a", "2"], ["b", "1"]]
    assert len(latest.splitlines()) == 4
    assert "\x1b" not in result.stdout


def test_deadletters_json_has_values_only_when_asked(run: Run) -> None:
    plain = json.loads(run("deadletters", "--json").stdout)
    assert [(reason["reason"], reason["records"]) for reason in plain["reasons"]] == [("a", 2), ("b", 1)]
    assert "value_base64" not in plain["latest"][0]
    first = json.loads(run("deadletters", "--json", "--value", "--reason", "a", "--limit", "1").stdout)["latest"]
    assert [(row["offset"], row["bytes"], base64.b64decode(row["value_base64"])) for row in first] == [
        (1, 12, VALUES[1])
    ]


def test_deadletters_shows_values_as_text_that_cannot_play_with_the_terminal(run: Run) -> None:
    shown = run("deadletters", "--value").stdout
    assert '{"a":\\n1}\\x1b[2J' in shown
    assert "\\xff\\x00{" in shown


def test_deadletters_of_a_reason_that_does_not_occur(run: Run) -> None:
    assert run("deadletters", "--reason", "x' OR 1 = 1").stdout == "No dead letters with the reason x' OR 1 = 1.\n"


def test_without_data_a_command_says_what_to_run(tmp_path: Path) -> None:
    result = runner(tmp_path, f"chdb:{tmp_path / 'none'}", 1)("sql", "SELECT 1")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "holds no data yet: run `tidewatch worker` or `tidewatch demo` first" in result.stderr
    assert not (tmp_path / "none").exists()


def test_a_port_that_answers_for_other_data_is_not_asked(filled: ClickHouse, tmp_path: Path) -> None:
    """Another worker, or a ClickHouse server that happens to have the port."""
    with serving(lambda: application(filled)) as port:
        result = runner(tmp_path, f"chdb:{tmp_path / 'other'}", port)("sql", "SELECT 1")
    assert "holds no data yet" in result.stderr


def test_a_server_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    result = runner(tmp_path, "http://127.0.0.1:1/tidewatch", 1)("sql", "SELECT 1")
    assert result.exit_code == 1
    assert (
        result.stderr
        == "Error: connecting to ClickHouse at 127.0.0.1:1 failed, no answer: [Errno 111] Connection refused; "
        "start it, or correct clickhouse.url\n"
    )


def test_migrate_applies_checks_and_reports(tmp_path: Path) -> None:
    run = runner(tmp_path, f"chdb:{tmp_path / 'data'}", 1)
    before = run("migrate", "--check", "--json")
    assert before.exit_code == 1
    assert [step["name"] for step in json.loads(before.stdout)["pending"]] == [file.name for file in MIGRATIONS]
    applied = run("migrate")
    assert (applied.exit_code, applied.stdout.splitlines()[0]) == (0, "0001_raw_metrics: applied")
    again = run("migrate", "--check")
    assert (again.exit_code, again.stdout) == (0, f"Nothing to do: all {len(MIGRATIONS)} files are applied.\n")
    assert json.loads(run("migrate", "--json").stdout) == {"applied": [], "pending": [], "drift": []}


def test_migrate_stops_at_drift_and_says_what_to_do(filled: ClickHouse, tmp_path: Path) -> None:
    filled.command("ALTER TABLE raw_health DROP COLUMN message")
    filled.close()
    result = runner(tmp_path, f"chdb:{tmp_path / 'data'}", 1)("migrate")
    assert result.exit_code == 1
    assert result.stdout.startswith("drift raw_health: column message is missing: mend it with ALTER TABLE")
