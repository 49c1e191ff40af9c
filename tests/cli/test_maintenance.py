"""``tidewatch maintenance``: what is added can be read again, with who and when; what cannot be read is refused."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli import main


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "maintenance.yml"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["maintenance", *arguments])


def listed() -> list[dict[str, object]]:
    return json.loads(run("list", "--json").output)


def test_what_is_declared_is_listed_with_who_and_when() -> None:
    once = ("--start", "2026-03-28 22:00", "--for", "6h", "--zone", "Europe/Berlin", "--service", "checkout")
    assert run("add", "database move", *once, "--by", "ana").exit_code == 0
    assert run("add", "patches", "--days", "sun,mon", "--at", "02:00", "--for", "90m", "--by", "ops").exit_code == 0

    move, patches = listed()
    assert (move["name"], move["services"], move["when"], move["for"]) == (
        "database move",
        ["checkout"],
        "2026-03-28 22:00",
        "6h",
    )
    assert (move["zone"], move["by"]) == ("Europe/Berlin", "ana")
    assert str(move["declared"]).endswith("Z")
    assert (patches["when"], patches["for"]) == ("mon,sun 02:00", "1h30m")
    assert "database move  2026-03-28 22:00 Europe/Berlin for 6h  checkout  by ana" in run("list").output


def test_without_a_start_it_begins_now() -> None:
    assert run("add", "hotfix", "--for", "30m", "--by", "ana").exit_code == 0
    assert [each["now"] for each in listed()] == [True]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--for", "3x"), 1, "for is not a duration"),
        (("--for", "1h", "--start", "yesterday"), 1, "start is not a time"),
        (("--for", "1h", "--start", "2026-01-01 00:00", "--zone", "Mars/North"), 1, "is no time zone"),
        (("--for", "1h", "--days", "sun"), 2, "give either --start"),
        (("--for", "1h", "--zone", "Europe/Berlin"), 2, "leave out --zone"),
        ((), 2, "Missing option '--for'"),
    ],
)
def test_what_cannot_be_read_is_refused_and_not_written(
    file: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    found = run("add", "bad", *arguments)
    assert (found.exit_code, said in found.output) == (code, True)
    assert not file.exists()


def test_what_stands_in_the_file_stays(file: Path) -> None:
    before = '# ours\nmaintenance:\n  - {name: old, start: "2026-01-01 00:00", for: 1h}  # theirs\n'
    file.write_text(before)
    assert run("add", "new", "--for", "1h").exit_code == 0
    assert file.read_text().startswith(before)
    assert [each["name"] for each in listed()] == ["old", "new"]


def test_a_file_that_does_not_end_with_its_list_is_left_alone(file: Path) -> None:
    text = 'maintenance:\n  - {name: old, start: "2026-01-01 00:00", for: 1h}\nservices:\n  shop: {uptime: 99%}\n'
    file.write_text(text)
    assert run("add", "new", "--for", "1h").exit_code == 1
    assert file.read_text() == text
