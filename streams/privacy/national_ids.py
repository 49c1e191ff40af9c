"""National identification numbers in texts: each by its form, and by its check digit where it has one.

Numbers that are digits alone and have no check digit are found only when they are written with their separators:
otherwise every tenth counter would be somebody.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from streams.privacy.cards import has_luhn_digit


class Form(NamedTuple):
    """How one country writes them."""

    name: str
    pattern: str
    check: Callable[[str], bool]
    """Of the letters and digits alone."""


def _any(_: str) -> bool:
    return True


def _weighted(*weights: int, modulus: int) -> Callable[[str], int]:
    return lambda digits: sum(w * int(d) for w, d in zip(weights, digits, strict=False)) % modulus


def _remainder_of_11(digits: str, weights: tuple[int, ...]) -> int:
    rest = _weighted(*weights, modulus=11)(digits)
    return 0 if rest < 2 else 11 - rest


def _cpf(digits: str) -> bool:
    first = _remainder_of_11(digits, tuple(range(10, 1, -1)))
    return (first, _remainder_of_11(digits, tuple(range(11, 1, -1)))) == (int(digits[9]), int(digits[10]))


def _nir(text: str) -> bool:
    number = text[:-2].replace("2A", "19").replace("2B", "18")
    return 97 - int(number) % 97 == int(text[-2:])


def _dni(text: str) -> bool:
    number = str("XYZ".find(text[0])) + text[1:-1] if text[0] in "XYZ" else text[:-1]
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == text[-1]


def _hetu(text: str) -> bool:
    return "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(text[:6] + text[-4:-1]) % 31] == text[-1]


def _pnr(text: str) -> bool:
    return has_luhn_digit(text[-10:])


def _ean13(digits: str) -> bool:
    return sum(int(digit) * (1 + 2 * (place % 2)) for place, digit in enumerate(digits)) % 10 == 0


_PERMUTE = [
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
]
_ADD = [
    *("0123456789", "1234067895", "2340178956", "3401289567", "4012395678"),
    *("5987604321", "6598710432", "7659821043", "8765932104", "9876543210"),
]


def _verhoeff(digits: str) -> bool:
    """J. Verhoeff, Error Detecting Decimal Codes, 1969."""
    sum_ = 0
    for place, digit in enumerate(reversed(digits)):
        sum_ = int(_ADD[sum_][int(_PERMUTE[place % 8][int(digit)])])
    return sum_ == 0


def _pesel(digits: str) -> bool:
    month, day = int(digits[2:4]) % 20, int(digits[4:6])
    checked = _weighted(1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1, modulus=10)(digits) == 0
    return checked and 1 <= month <= 12 and 1 <= day <= 31


FORMS = (
    Form("us-ssn", r"(?!000|666|9)\d{3}([- ])(?!00)\d\d\1(?!0000)\d{4}", _any),
    Form("uk-nino", r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]", _any),
    Form("fr-nir", r"[12] ?\d\d ?(?:0\d|1[0-2]|[2-9]\d) ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d", _nir),
    Form("es-dni", r"(?:\d{8}|[XYZ]-?\d{7})-?[A-HJ-NP-TV-Z]", _dni),
    Form("it-cf", r"[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]", _any),
    Form("se-pnr", r"(?:19|20)?\d\d(?:0[1-9]|1[0-2])(?:[0-3]\d|[6-9]\d)[-+]\d{4}", _pnr),
    Form("dk-cpr", r"(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d-\d{4}", _any),
    Form("fi-hetu", r"(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d[-+A]\d{3}[0-9A-FHJ-NPR-Y]", _hetu),
    Form("pl-pesel", r"\d{11}", _pesel),
    Form("ch-ahv", r"756([. ]?)\d{4}\1\d{4}\1\d\d", _ean13),
    Form("br-cpf", r"\d{3}\.\d{3}\.\d{3}-\d\d", _cpf),
    Form("in-aadhaar", r"[2-9]\d{3}([- ])\d{4}\1\d{4}", _verhoeff),
)  # fmt: skip
"""Every form that is looked for."""


_BARE = re.compile(r"[^0-9A-Z]")
_PATTERNS = [(form, re.compile(rf"(?<![0-9A-Za-z])(?:{form.pattern})(?![0-9A-Za-z])", re.IGNORECASE)) for form in FORMS]


def masked(text: str) -> str:
    """The text with every national identification number replaced by ``[national-id]``."""
    for form, pattern in _PATTERNS:
        if form.check is _any:
            text = pattern.sub("[national-id]", text)
        else:
            text = pattern.sub(lambda match, form=form: _judged(form, match), text)  # type: ignore[misc]
    return text


def _judged(form: Form, match: re.Match[str]) -> str:
    return "[national-id]" if form.check(_BARE.sub("", match[0].upper())) else match[0]
