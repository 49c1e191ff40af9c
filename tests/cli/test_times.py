"""Times as people write them on a command line."""

import click
import pytest
from click.testing import CliRunner

from schemas.failures import Rejected
from streams.cli._times import TIME, time_ms

NOON_MS = 1_795_348_800_000


@pytest.mark.parametrize(
    "text",
    ["2026-11-22T12:00Z", "2026-11-22T12:00:00.000+00:00", "2026-11-22T13:00+01:00", "2026-11-22T12:00", "1795348800"],
)
def test_an_instant_has_many_spellings(text: str) -> None:
    """What names no zone is UTC."""
    assert time_ms(text) == NOON_MS


def test_a_day_is_its_midnight() -> None:
    assert time_ms("2026-11-22") == NOON_MS - 12 * 3_600_000


@pytest.mark.parametrize("text", ["soon", "", "2026-13-01", "inf", "nan", "1e300", "9999-12-31T23:59-23:59"])
def test_what_is_no_time_is_told_what_to_write(text: str) -> None:
    with pytest.raises(Rejected, match="is no time; write 2026-11-22, 2026-11-22T10:15Z or Unix seconds"):
        time_ms(text)


def test_an_option_that_is_no_time_is_a_wrong_command_line() -> None:
    @click.command()
    @click.option("--from", "since_ms", type=TIME)
    def command(since_ms: int | None) -> None:
        click.echo(since_ms)

    assert CliRunner().invoke(command, ["--from", "2026-11-22T12:00Z"]).output == f"{NOON_MS}\n"
    wrong = CliRunner().invoke(command, ["--from", "yesterday"])
    assert wrong.exit_code == 2
    assert "'--from': 'yesterday' is no time" in wrong.output
