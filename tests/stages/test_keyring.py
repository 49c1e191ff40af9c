"""Keys of persons in ClickHouse: several workers, erasures at any moment, repeated batches, other master keys."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.config import ClickHouse as Settings
from schemas.failures import Rejected
from schemas.keys import Wrapped
from sinks import subject_keys
from sinks.clickhouse import ClickHouse
from sinks.migrations import migrate
from sinks.subject_keys import Erasure
from streams.privacy.masterkeys import read_keys, written
from streams.privacy.protection import Secret
from streams.privacy.sealing import Cipher, binding, read
from streams.stages.keyring import Keyring, check_keys, key_binding
from tests.privacy.events import keys

ALICE, BOB = "p-alice", "p-bob"


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    sink = ClickHouse(Settings(url=f"chdb:{tmp_path_factory.mktemp('keys')}/clickhouse"))
    migrate(sink)
    yield sink
    sink.close()


@pytest.fixture
def sink(stored: ClickHouse) -> Iterator[ClickHouse]:
    yield stored
    stored.command("TRUNCATE TABLE subject_keys")
    stored.command("TRUNCATE TABLE erasures")


def secret(person: str = ALICE, text: str = "alice", record_ms: int = 1_000) -> Secret:
    return Secret("default", person, "actor", text, record_ms)


def opened(sink: ClickHouse, sealed: str, person: str = ALICE) -> str:
    """What whoever has the master keys can read."""
    key_id, body = read(sealed)
    (key,) = [key for key in subject_keys.keys_of(sink, "default", [person]) if key.key_id == key_id]
    (material,) = keys().unwrap("default", [Wrapped(key_binding(key), key.wrapped)])
    return Cipher(material).open(body, binding("default", person, "actor")).decode()


def erase(sink: ClickHouse, person: str, erased_ms: int) -> None:
    held = subject_keys.keys_of(sink, "default", [person])
    subject_keys.record_erasure(sink, Erasure("default", person, erased_ms), "asked", "dpo", held)
    subject_keys.destroy(sink, "default", person)


def test_what_is_sealed_can_be_opened_with_the_stored_key(sink: ClickHouse) -> None:
    [[(field, sealed)], []] = Keyring(sink, keys()).sealed([[secret()], []])

    assert field == "actor"
    assert "alice" not in sealed
    assert opened(sink, sealed) == "alice"


def test_a_repeated_batch_is_sealed_as_before_by_another_worker(sink: ClickHouse) -> None:
    rows = [[secret()], [secret(BOB, "bob"), secret()]]

    assert Keyring(sink, keys()).sealed(rows) == Keyring(sink, keys()).sealed(rows)


def test_workers_that_meet_a_person_at_the_same_time_both_make_keys_that_open(
    sink: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = Keyring(sink, keys()), Keyring(sink, keys())
    read_ = subject_keys.keys_of
    monkeypatch.setattr(subject_keys, "keys_of", lambda *_: [])
    [[(_, first)]], [[(_, second)]] = one.sealed([[secret()]]), other.sealed([[secret()]])
    monkeypatch.setattr(subject_keys, "keys_of", read_)

    assert read(first).key_id != read(second).key_id
    assert (opened(sink, first), opened(sink, second)) == ("alice", "alice")


def test_each_person_has_a_key_of_its_own(sink: ClickHouse) -> None:
    [[(_, alice), (_, bob)]] = Keyring(sink, keys()).sealed([[secret(), secret(BOB, "alice")]])

    assert read(alice).key_id != read(bob).key_id


def test_an_erasure_leaves_nothing_to_open_with_and_touches_nobody_else(sink: ClickHouse) -> None:
    [[(_, alice), (_, bob)]] = Keyring(sink, keys()).sealed([[secret(), secret(BOB, "bob")]])

    erase(sink, ALICE, 2_000)

    assert subject_keys.keys_of(sink, "default", [ALICE]) == []
    assert opened(sink, bob, BOB) == "bob"
    assert alice


def test_a_batch_that_is_repeated_after_an_erasure_does_not_bring_the_person_back(sink: ClickHouse) -> None:
    before = Keyring(sink, keys())
    before.sealed([[secret()]])
    erase(sink, ALICE, 2_000)

    for keyring in (before, Keyring(sink, keys())):
        assert keyring.sealed([[secret()]]) == [[]]
    assert subject_keys.keys_of(sink, "default", [ALICE]) == []


def test_what_comes_after_an_erasure_gets_a_new_key(sink: ClickHouse) -> None:
    keyring = Keyring(sink, keys())
    [[(_, old)]] = keyring.sealed([[secret()]])
    erase(sink, ALICE, 2_000)

    [[], [(_, new)]] = keyring.sealed([[secret()], [secret(record_ms=2_001)]])

    assert opened(sink, new) == "alice"
    assert read(old).key_id != read(new).key_id


def test_an_erasure_between_storing_a_key_and_sealing_holds(sink: ClickHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keyring looks for erasures after it has stored a key: that is what makes the two exclude each other."""
    add = subject_keys.add

    def erased_meanwhile(*arguments: object) -> None:
        subject_keys.record_erasure(sink, Erasure("default", ALICE, 2_000), "asked", "dpo", [])
        add(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(subject_keys, "add", erased_meanwhile)

    assert Keyring(sink, keys()).sealed([[secret()]]) == [[]]


def test_no_byte_of_a_destroyed_key_stays_on_the_disk(sink: ClickHouse) -> None:
    Keyring(sink, keys()).sealed([[secret(), secret(BOB)]])
    (alice,), (bob,) = (subject_keys.keys_of(sink, "default", [person]) for person in (ALICE, BOB))
    assert sink.directory is not None
    assert _found(sink.directory, alice.wrapped)

    erase(sink, ALICE, 2_000)

    assert not _found(sink.directory, alice.wrapped)
    assert _found(sink.directory, bob.wrapped)


def test_other_master_keys_are_refused(sink: ClickHouse) -> None:
    check_keys(sink, keys())
    check_keys(sink, keys())

    with pytest.raises(Rejected, match="restore those"):
        check_keys(sink, read_keys(written(b"Q" * 32, {1: b"1" * 32}, 1)))


def _found(directory: Path, text: str) -> bool:
    """Whether any file holds a part of the text that nothing compresses away: it is random."""
    return any(text[-40:].encode() in file.read_bytes() for file in directory.rglob("*") if file.is_file())
