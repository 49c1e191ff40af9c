"""Card numbers, e-mail addresses and national ids are found in texts, and what only looks like them is left alone."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.privacy.cards import has_luhn_digit, truncated, without_digits
from streams.privacy.freetext import is_harmless, is_harmless_by_form, masked
from streams.privacy.refused import hidden


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("4111111111111111", "411111******1111"),
        ("378282246310005", "378282*****0005"),
        ("pay 4111 1111 1111 1111 12/26 now", "pay 4111 11** **** 1111 12/26 now"),
        ("5500-0000-0000-0004,5500.0000.0000.0004", "5500-00**-****-0004,5500.00**.****.0004"),
        ("PAN4111111111111111", "PAN411111******1111"),
        ("card_4111_1111_1111_1111", "card_4111_11**_****_1111"),
        ("4176 0000 0000 4 4176 0000 0000 4", "4176 00** **** * 4176 00** *000 4"),
        ("7 4111111111111111 8", "7 411111******1111 8"),
        ("\u0664\u0661" + "\u0661" * 14, "\u0664\u0661" + "\u0661" * 4 + "******" + "\u0661" * 4),
        ("6011111111111117 and 30569309025904", "601111******1117 and 305693****5904"),
    ],
)
def test_card_numbers_are_cut_to_six_and_four_digits(text: str, stored: str) -> None:
    assert truncated(text) == stored


@pytest.mark.parametrize(
    "text",
    [
        "1795342530125",  # milliseconds
        "1795342530125000000",  # nanoseconds
        "4111111111111112",  # the check digit is wrong
        "550e8400-e29b-41d4-a716-446655440000",
        "4111111111111111aaaaaaaaaaaaaaaa",  # the id of a trace
        "203.0.113.9 port 51213",
        "2026-11-22T10:15:33.123456789Z",
    ],
)
def test_what_is_no_card_number_is_kept(text: str) -> None:
    assert truncated(text) == text


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("/users?mail=ann.lee%40shop.example&page=2", "[email]&page=2"),
        ("q=4111%201111%201111%201111", "q=4111 11** **** 1111"),
        ("ann%2Elee%40shop%2eexample", "[email]"),
        ("used 100% of 20% free, 5%off", "used 100% of 20% free, 5%off"),
        ("Zo%C3%AB%20Lee", "Zo\u00eb Lee"),
    ],
)
def test_what_is_escaped_as_in_urls_is_found_too(text: str, stored: str) -> None:
    assert masked(text) == stored


@given(st.integers(min_value=4 * 10**14, max_value=5 * 10**14 - 1), st.sampled_from(["", " ", "-", ".", "\u00a0"]))
def test_no_number_with_a_check_digit_survives_however_it_is_grouped(start: int, gap: str) -> None:
    number = next(f"{start}{digit}" for digit in range(10) if has_luhn_digit(f"{start}{digit}"))
    written = gap.join(number[at : at + 4] for at in range(0, 16, 4))

    stored = masked(f"card={written}; thanks")

    assert number[6:12] not in stored.replace(gap, "") if gap else number[6:12] not in stored
    assert stored.count("*") == 6


def test_a_number_in_a_field_of_cards_is_cut_though_its_check_digit_is_wrong() -> None:
    assert without_digits("4111111111111112") == "411111******1112"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "123-45-6789",
            "123 45 6789",
            "AB123456C",
            "AB 12 34 56 C",
            "2 94 03 75 120 005 91",
            "12345678Z",
            "X1234567L",
        ),
        *("RSSMRA85T10A562S", "811218-9876", "131052-308T", "010190-1234", "85010112345", "756.9217.0769.85"),
        *("111.444.777-35", "2341 2341 2346"),
    ],
)
def test_national_ids_are_masked(text: str) -> None:
    assert masked(f"id {text}, checked") == "id [national-id], checked"


@pytest.mark.parametrize(
    "text",
    [
        *("000-45-6789", "12345678A", "85010112346", "756.9217.0769.86", "111.444.777-36", "2341 2341 2347"),
        *("811218-9877", "131052-308U", "2 94 03 75 120 005 92", "v1.2.3-45678", "10.0.0.1:8080"),
    ],
)
def test_what_is_no_national_id_is_kept(text: str) -> None:
    assert masked(f"id {text}, checked") == f"id {text}, checked"


@pytest.mark.parametrize(
    "address", ["alice@example.com", "a.b+c@x-y.co.uk", "<bob@corp.org>", "jürgen@müller.de", "用户@例子.公司"]
)
def test_e_mail_addresses_are_masked(address: str) -> None:
    stored = masked(f"to {address}: sent")

    assert stored == f"to {'<[email]>' if '<' in address else '[email]'}: sent"


@pytest.mark.parametrize("text", ["user@host", "@admin", "a @ b.com", "tidewatch@1.2.3"])
def test_what_is_no_e_mail_address_is_kept(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize("part", ["a@", "a.", "1 ", "12", "@a.", "A1", "1-", "x@y.z", "4111 "])
def test_no_text_takes_long_to_look_at(part: str) -> None:
    """Of what repeats for ever, twice as much takes about twice as long: seen in processor time, with much to spare."""
    began = time.process_time()
    masked(part * (131_072 // len(part)))

    assert time.process_time() - began < 5


@given(st.text())
def test_masking_twice_is_masking_once(text: str) -> None:
    assert masked(masked(text)) == masked(text)


def test_a_refused_record_shows_its_form_and_the_words_of_the_schema_alone() -> None:
    value = b'{"type": "tidewatch.security", "data": {"actor": "alice", "Alice": 42, "mfa": true,,}}\xff'

    assert hidden(value) == b'{"type": "tidewatch.security", "data": {"actor": "xxxxx", "xxxxx": 00, "mfa": true,,}}?'


_WORDS = (b"true", b"false", b"null")


@given(st.binary().filter(lambda value: b'"' not in value and not any(word in value for word in _WORDS)))
def test_a_refused_record_keeps_its_length_and_no_letter_or_digit_of_its_own(value: bytes) -> None:
    shown = hidden(value)

    assert len(shown) == len(value)
    assert {byte for byte in shown if byte > 0x7F or chr(byte).isalnum()} <= set(b"x0")


@given(st.text(alphabet="0123456789abAB cz-_@%/.é٣\n", max_size=20))
def test_what_is_remembered_of_a_form_holds_for_every_text_of_it(text: str) -> None:
    assert is_harmless_by_form(text) == is_harmless(text)
