"""``tidewatch report`` and ``tidewatch status`` by their options, files and exit statuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from streams.cli import main
from streams.reports.digest import digest
from streams.reports.formats import render
from tests.api.stored import database
from tests.reports.example import report


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a ClickHouse that has its tables, and nothing in them."""
    where = tmp_path_factory.mktemp("empty")
    database(where).close()
    return where / "data"


@pytest.fixture
def empty(directory: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("TIDEWATCH_CLICKHOUSE_URL", f"chdb:{directory}")
    monkeypatch.setenv("TIDEWATCH_CLICKHOUSE_EMBEDDED_PORT", "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["html", "md", "csv", "json", "pdf"])
def test_a_copy_is_verified_until_it_is_altered(tmp_path: Path, name: str) -> None:
    file, content = tmp_path / f"report.{name}", render(report(), name)
    file.write_bytes(content)
    assert run("report", "verify", str(file)).output == f"{file}: unaltered, {digest(report())}\n"

    half = len(content) // 2
    file.write_bytes(content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :])
    altered = run("report", "verify", str(file))
    assert (altered.exit_code, altered.output) == (1, f"{file}: altered since it was written\n")


def test_json_may_be_laid_out_anew(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(json.dumps(json.loads(render(report(), "json"))))

    assert run("report", "verify", str(file)).exit_code == 0


def test_another_report_is_not_the_one_that_was_announced(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_bytes(render(report(), "html"))
    found: dict[str, Any] = json.loads(run("report", "verify", "--json", str(file)).output)

    for announced in (found["digest"], found["file"]):
        assert run("report", "verify", "--digest", announced, str(file)).exit_code == 0
    other = run("report", "verify", "--digest", "sha256:0", str(file))
    assert other.exit_code == 1
    assert "another report" in other.output


@pytest.mark.parametrize("content", [b"", b"{}", b"{", b"<p>hello</p>\n", b"[]"])
def test_what_is_no_report_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    found = run("report", "verify", str(file))

    assert found.exit_code == 1
    assert "no report of Tidewatch" in found.output


def test_a_report_of_nothing_says_so(empty: Path) -> None:
    found = run("report", "sla", "--period", "2026-10")

    assert found.exit_code == 0, found.output
    assert "Nothing was counted in this period." in found.output


def test_the_ending_of_the_file_says_the_format(empty: Path) -> None:
    assert run("report", "sla", "--period", "2026-10", "--output", "october.html").exit_code == 0
    assert (empty / "october.html").read_bytes().startswith(b"<!doctype html>")
    assert run("report", "verify", "october.html").exit_code == 0


def test_objectives_come_from_the_configuration(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty / "slo.yml").write_text("services: {shop: {uptime: 99.9%}}\n")
    monkeypatch.setenv("TIDEWATCH_SLO_FILES", "slo.yml")
    found = run("report", "sla", "--format", "json", "--period", "2026-10")

    objectives = json.loads(found.output)["report"]["sections"][0]["tables"][0]
    assert [row["cells"][1] for row in objectives["rows"]] == ["shop-uptime"]


@pytest.mark.parametrize(
    "options", [("--period", "soon"), ("--zone", "Mars/Olympus"), ("--format", "docx")], ids=lambda options: options[0]
)
def test_wrong_options_are_told_with_what_to_write(empty: Path, options: tuple[str, ...]) -> None:
    found = run("report", "sla", *options)

    assert found.exit_code == 2
    assert "month" in found.output or "Europe/Berlin" in found.output or "html" in found.output


def test_status_of_nothing_is_not_well(empty: Path) -> None:
    found = run("status", "--json")

    assert found.exit_code == 1
    assert json.loads(found.output)["services"] == []
