"""``tidewatch slo`` as it is typed."""

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from streams.cli import main
from streams.cli.slo import command
from tests.slo.test_importing import SLOTH

SHORT = "services: {checkout: {uptime: 99.9%, response_time: 100ms}}\n"


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(command, list(arguments))
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def short(tmp_path: Path) -> str:
    (tmp_path / "slo.yml").write_text(SHORT, encoding="utf-8")
    return str(tmp_path / "slo.yml")


def test_files_that_are_right_are_counted(short: str) -> None:
    assert run("check", short) == (0, "2 objectives, 0 problems\n", "")


def test_files_that_are_wrong_have_places_and_exit_status_1(tmp_path: Path) -> None:
    file = tmp_path / "slo.yml"
    file.write_text(SHORT.replace("uptime", "uptim"), encoding="utf-8")

    status, out, error = run("check", str(file))

    assert (status, out) == (1, "1 objective, 1 problem\n")
    assert error.startswith(f"{file}:1:23: the service 'checkout' has the unknown key 'uptim'; write 'uptime'")
    assert json.loads(run("check", "--json", str(file))[1])["problems"] == error.splitlines()


def test_objectives_are_listed(short: str) -> None:
    assert run("list", short)[1].splitlines() == [
        "checkout  checkout-uptime         99.9 %  30d rolling  google",
        "checkout  checkout-response_time  95 %    30d rolling  google",
    ]
    assert json.loads(run("list", "--json", short)[1])[0]["name"] == "checkout-uptime"


def test_rules_are_printed_as_yaml(short: str) -> None:
    status, out, _ = run("export", short)

    assert status == 0
    assert [group["name"] for group in yaml.safe_load(out)["groups"]] == [
        "slo:checkout-uptime",
        "slo:checkout-response_time",
    ]


def test_what_is_imported_can_be_checked_and_exported(tmp_path: Path) -> None:
    sloth, ours = tmp_path / "sloth.yml", tmp_path / "ours.yml"
    sloth.write_text(SLOTH, encoding="utf-8")

    status, out, notes = run("import", str(sloth))
    ours.write_text(out, encoding="utf-8")

    assert (status, notes) == (0, "note: shop-requests, alerting: name was left out\n")
    assert run("check", str(ours))[0] == 0
    assert run("export", str(ours))[0] == 0


def test_what_cannot_be_imported_is_exit_status_1(short: str) -> None:
    status, out, error = run("import", short)

    assert (status, out) == (1, "")
    assert "version None is not one of Sloth or Pyrra" in error


def test_tidewatch_check_finds_what_is_wrong_in_the_objectives_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "slo.yml").write_text(SHORT.replace("uptime", "uptim"), encoding="utf-8")
    (tmp_path / "slo-2.yml").write_text("apiVersion: openslo/v1\nkind: SLOW\nmetadata: {name: a}\n", encoding="utf-8")
    config = tmp_path / "tidewatch.toml"
    config.write_text(f'[slo]\nfiles = ["{tmp_path}/slo*.yml"]\n', encoding="utf-8")

    done = CliRunner().invoke(main, ["check", "--config", str(config)])

    assert done.exit_code == 1
    assert f"{tmp_path}/slo.yml:1:23: the service 'checkout' has the unknown key 'uptim'" in done.stdout
    assert f"{tmp_path}/slo-2.yml:2:7" in done.stdout
    assert "1 objective, " in done.stdout
