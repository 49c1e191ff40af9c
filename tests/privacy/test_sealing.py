"""Envelope encryption: what is sealed opens with its own key, in its own place, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.failures import Rejected
from schemas.keys import Unwrapped, Wrapped
from streams.privacy.masterkeys import LocalKeys, read_keys, written
from streams.privacy.sealing import Cipher, Sealed, binding, read
from tests.privacy.events import KEYS_TEXT, keys

BOUND = binding("default", "p-1", "actor")


@given(st.binary(max_size=200), st.binary(max_size=40))
def test_what_is_sealed_can_be_opened(text: bytes, bound: bytes) -> None:
    assert Cipher(b"k" * 32).open(Cipher(b"k" * 32).seal(text, bound), bound) == text


def test_the_same_text_is_sealed_in_the_same_way_so_that_a_repeated_batch_has_the_same_rows() -> None:
    assert Cipher(b"k" * 32).seal(b"alice", BOUND) == Cipher(b"k" * 32).seal(b"alice", BOUND)


@given(st.binary(max_size=50), st.binary(max_size=50), st.binary(max_size=9), st.binary(max_size=9))
def test_no_nonce_is_used_twice(one: bytes, other: bytes, bound: bytes, elsewhere: bytes) -> None:
    cipher = Cipher(b"k" * 32)
    same = (one, bound) == (other, elsewhere)

    assert (cipher.seal(one, bound)[:12] == cipher.seal(other, elsewhere)[:12]) == same


@given(st.integers(0, 12 + 5 + 16 - 1), st.integers(1, 255))
def test_any_changed_byte_is_noticed(place: int, change: int) -> None:
    sealed = bytearray(Cipher(b"k" * 32).seal(b"alice", BOUND))
    sealed[place] ^= change

    with pytest.raises(Rejected, match="altered"):
        Cipher(b"k" * 32).open(bytes(sealed), BOUND)


@pytest.mark.parametrize(
    "bound", [binding("b", "p-1", "actor"), binding("default", "p-2", "actor"), binding("default", "p-1", "x")]
)
def test_a_ciphertext_opens_for_no_other_tenant_person_or_field(bound: bytes) -> None:
    with pytest.raises(Rejected):
        Cipher(b"k" * 32).open(Cipher(b"k" * 32).seal(b"alice", BOUND), bound)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(Rejected):
        Cipher(b"j" * 32).open(Cipher(b"k" * 32).seal(b"alice", BOUND), BOUND)


def test_a_sealed_value_is_read_as_it_was_written() -> None:
    assert read(Sealed("0a1b", b"\x00\xff.body").text()) == Sealed("0a1b", b"\x00\xff.body")


@pytest.mark.parametrize("text", ["", "alice", "s2.0a.AAAA", "s1..AAAA", "s1.0a.é"])
def test_anything_else_is_no_sealed_value(text: str) -> None:
    with pytest.raises(Rejected):
        read(text)


def test_a_key_that_an_older_root_has_wrapped_is_unwrapped_and_wrapped_anew_under_the_current_one() -> None:
    old = read_keys(written(b"P" * 32, {1: b"1" * 32}, 1))
    (text,) = old.wrap("default", [Unwrapped(b"b", b"k" * 32)])

    assert keys().are_current([text]) == [False]
    assert keys().unwrap("default", [Wrapped(b"b", text)]) == [b"k" * 32]
    assert keys().are_current(keys().wrap("default", [Unwrapped(b"b", b"k" * 32)])) == [True]


def test_a_new_root_wraps_from_the_moment_in_which_it_is_in_the_file() -> None:
    held = read_keys(written(b"P" * 32, {1: b"1" * 32}, 1)).file
    worker = LocalKeys(held, lambda: keys().file)

    assert keys().are_current(worker.wrap("default", [Unwrapped(b"b", b"k" * 32)])) == [True]


def test_a_wrapped_key_opens_with_the_root_of_its_version_and_for_its_tenant_only() -> None:
    (text,) = keys().wrap("default", [Unwrapped(b"b", b"k" * 32)])
    without = read_keys(written(b"P" * 32, {1: b"1" * 32}, 1))

    with pytest.raises(Rejected, match="version 2"):
        without.unwrap("default", [Wrapped(b"b", text)])
    with pytest.raises(Rejected, match="does not fit"):
        keys().unwrap("other", [Wrapped(b"b", text)])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        KEYS_TEXT.replace("roots", "x"),
        KEYS_TEXT.replace('"current": 2', '"current": 3'),
        KEYS_TEXT.replace("MTEx", ""),
    ],
)
def test_a_key_file_that_is_none_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(Rejected) as rejected:
        read_keys(text)

    assert "UFBQ" not in str(rejected.value)


def test_keys_are_read_as_they_were_written() -> None:
    assert isinstance(keys(), LocalKeys)
    assert keys().pseudonym_key() == b"P" * 32
