"""Master keys: a file for one pair of eyes, an environment, and what is refused."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from schemas.config import ClickHouse, Config, Privacy
from schemas.failures import Rejected
from streams.cli.keys import command
from streams.config.masterkeys import add_root, create_key_file, key_file, load_master_keys
from tests.privacy.events import KEYS_TEXT


def config(directory: Path, **privacy: str) -> Config:
    return Config(clickhouse=ClickHouse(url=f"chdb:{directory}/clickhouse"), privacy=Privacy(**privacy))  # type: ignore[arg-type]


def test_a_key_file_is_made_for_its_owner_alone_and_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "keys"

    made = CliRunner().invoke(command, ["create", str(file)])
    text = file.read_text()
    again = CliRunner().invoke(command, ["create", str(file)])
    kept = CliRunner().invoke(command, ["create", "--keep", str(file)])

    assert (made.exit_code, again.exit_code, kept.exit_code) == (0, 1, 0)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() == text
    assert not any(text[n : n + 20] in made.output for n in range(0, len(text) - 20, 20))


def test_a_key_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["create", str(tmp_path / "absent" / "keys")])

    assert result.exit_code == 1
    assert "No such file or directory; give a file in a directory of yours" in result.output


def test_beside_a_chdb_directory_keys_are_made_once(tmp_path: Path) -> None:
    first, second = load_master_keys(config(tmp_path)), load_master_keys(config(tmp_path))

    assert first.pseudonym_key() == second.pseudonym_key()
    assert (tmp_path / "clickhouse.keys").stat().st_mode & 0o777 == 0o600


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    load_master_keys(config(tmp_path))
    (tmp_path / "clickhouse.keys").chmod(0o640)

    with pytest.raises(Rejected, match="chmod 600"):
        load_master_keys(config(tmp_path))


def test_a_key_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="restore it"):
        load_master_keys(config(tmp_path, keys_file=str(tmp_path / "absent")))


def test_the_environment_may_hold_the_keys(tmp_path: Path) -> None:
    assert load_master_keys(config(tmp_path, keys=KEYS_TEXT)).pseudonym_key() == b"P" * 32
    assert not (tmp_path / "clickhouse.keys").exists()


def test_for_a_server_nothing_is_stored_without_keys(tmp_path: Path) -> None:
    server = msgspec.structs.replace(config(tmp_path), clickhouse=ClickHouse(url="http://clickhouse:8123/tidewatch"))

    assert key_file(server) is None
    with pytest.raises(Rejected, match="tidewatch keys create"):
        load_master_keys(server)


def test_a_worker_takes_up_a_root_that_was_added_while_it_ran(tmp_path: Path) -> None:
    running = load_master_keys(config(tmp_path))
    add_root(tmp_path / "clickhouse.keys", b"n" * 32)
    rotated = load_master_keys(config(tmp_path))
    [wrapped] = rotated.wrap("default", [(b"bound", b"k" * 32)])  # type: ignore[list-item]

    assert running.unwrap("default", [(b"bound", wrapped)]) == [b"k" * 32]  # type: ignore[list-item]
    assert running.pseudonym_key() == rotated.pseudonym_key()


def test_two_processes_that_start_at_once_have_the_same_keys(tmp_path: Path) -> None:
    """The second finds the file of the first, whole."""
    create_key_file(tmp_path / "keys")
    text = (tmp_path / "keys").read_text()
    create_key_file(tmp_path / "keys")

    assert (tmp_path / "keys").read_text() == text
    assert [file.name for file in tmp_path.iterdir()] == ["keys"]
