"""A file of evidence verifies, and whatever is done to it is found."""

from collections.abc import Sequence

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from streams.evidence.export import verify_file
from streams.evidence.signing import PublicKeys, SigningKey
from streams.evidence.verifying import Bad
from tests.evidence.ledgers import KEYS, exported, taken

LINES = exported(*taken())
ANY_LINE = st.integers(0, len(LINES) - 1)


def problems(lines: Sequence[bytes], keys: PublicKeys = KEYS) -> list[str]:
    try:
        found = list(verify_file(b"".join(lines).splitlines(keepends=True), keys))
    except Bad as bad:
        return [str(bad)]
    return [verdict.problem for verdict in found if verdict.problem]


def test_what_was_exported_verifies() -> None:
    acme, zeta = verify_file(LINES, KEYS)

    assert (acme.problem, zeta.problem) == ("", "")
    assert (acme.entries, acme.seals, zeta.entries, zeta.seals) == (8, 3, 5, 2)
    assert acme.head is not None
    assert acme.head.count == 8


def test_it_verifies_without_keys_too_but_then_proves_less() -> None:
    assert problems(LINES, PublicKeys([])) == []


@settings(max_examples=1000, deadline=None)
@given(st.integers(0, 8 * sum(map(len, LINES)) - 1))
def test_any_bit_that_is_changed_is_found(bit: int) -> None:
    data = bytearray(b"".join(LINES))
    data[bit // 8] ^= 1 << bit % 8

    assert problems([bytes(data)])


def test_a_change_of_any_byte_is_found() -> None:
    """One bit of each; which one goes round."""
    data = b"".join(LINES)
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        assert problems([bytes(changed)]), (at, data[at - 20 : at + 20])


@given(ANY_LINE)
def test_any_line_that_is_taken_out_is_found(at: int) -> None:
    assert problems([*LINES[:at], *LINES[at + 1 :]])


@given(ANY_LINE, ANY_LINE)
@example(2, 3)
def test_any_two_lines_that_change_places_are_found(one: int, other: int) -> None:
    assume(one != other)
    swapped = list(LINES)
    swapped[one], swapped[other] = swapped[other], swapped[one]

    assert problems(swapped)


@given(ANY_LINE, ANY_LINE)
def test_any_line_that_is_put_in_again_is_found(which: int, at: int) -> None:
    assert problems([*LINES[:at], LINES[which], *LINES[at:]])


@given(st.integers(0, sum(map(len, LINES)) - 1))
def test_a_file_that_was_cut_off_is_found(length: int) -> None:
    assert problems([b"".join(LINES)[:length]])


def test_a_tail_that_was_cut_off_with_the_numbers_set_right_is_found_in_the_middle_of_an_hour() -> None:
    """The first line of a chain is signed by nobody; the head is."""
    chain = next(at for at, line in enumerate(LINES) if b'"tenant":"zeta"' in line and line.startswith(b"C"))
    last = max(at for at, line in enumerate(LINES) if line.startswith(b"E"))
    begins = LINES[chain].replace(b'"entries":5', b'"entries":4')

    assert problems([*LINES[:chain], begins, *LINES[chain + 1 : last], *LINES[last + 1 :]]) == [
        "entry 4 is missing: the head knows 5 entries, and no seal ends here"
    ]


def test_the_first_bad_entry_is_named() -> None:
    """Also where the entry after it, and not the altered one itself, does not fit any more."""
    altered = [line.replace(b'"offset":11', b'"offset":12') for line in LINES]
    assert problems(altered)[0].startswith("entry 2 was altered")
    assert problems([*LINES[:4], *LINES[5:]])[0] == "entry 2 is missing: seal 0 has 3 entries, there are 2"
    moved = [line.replace(b'"seq":3', b'"seq":9') for line in LINES]
    assert problems(moved)[0] == "entry 3 is missing: entry 9 stands in its place"


def test_who_can_write_everything_but_has_no_key_is_found() -> None:
    """A ledger made anew with another key, and one that nobody signed, are as good as any but for the signature."""
    other = SigningKey("22" * 32)

    assert problems(exported(*taken(key=None))) == ["the first seal is not signed"]
    assert problems(exported(*taken(key=other))) == [
        f"the first seal is signed with the key {other.id}, which was not given"
    ]
