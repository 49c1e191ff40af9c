"""Card numbers in texts: found by their length, their issuer and Luhn's check digit, and cut to what may be shown.

PCI DSS 4.0, requirement 3.4.1: at most the first six and the last four digits. Numbers: ISO/IEC 7812.
"""

import re
import unicodedata
from collections.abc import Iterator, Set
from itertools import accumulate

SHORTEST, LONGEST = 13, 19
_SHOWN_FIRST, _SHOWN_LAST = 6, 4

_GAP = r"(?:(?!\n)[\W_])"
_GROUPS = re.compile(rf"\d(?:{_GAP}?\d){{{SHORTEST - 1},}}")
"""Digits with at most one other character between two of them. ``\\d`` are digits of any script."""

_DIGITS = re.compile(r"\d+")
_ISSUERS = re.compile(
    r"4|5[0-8]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3(?:[47]|0[0-5]|09|[689]|5(?:2[89]|[3-8]))|6|8[16]|9792|220[0-4]"
)
"""How the numbers of cards begin: Visa, Mastercard and Maestro, American Express, Diners, JCB, Discover, UnionPay, Mir,
Troy, RuPay. So a time in milliseconds or nanoseconds, which begins with 1, is none."""

_HASH = re.compile(r"(?<![0-9A-Za-z])(?=\d*[a-fA-F])(?:[0-9a-fA-F]{16}|[0-9a-fA-F]{32,128})(?![0-9A-Za-z])")
"""Digests and ids of traces: their digits are nobody's card."""


def has_luhn_digit(digits: str) -> bool:
    """Whether the last digit checks those before it (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def truncated(text: str) -> str:
    """The text with every card number cut to its first six and last four digits; what is between becomes ``*``."""
    if not _GROUPS.search(text):
        return text
    hashes = [match.span() for match in _HASH.finditer(text)]
    hidden: set[int] = set()
    for start, end in _numbers(text):
        if not any(first <= start and end <= last for first, last in hashes):
            hidden.update(_middle(text, start, end))
    return _blanked(text, hidden)


def without_digits(text: str) -> str:
    """A text that is known to hold a card's number: every run of digits that could be one is cut, checked or not."""
    return _blanked(text, {place for run in _GROUPS.finditer(text) for place in _middle(text, *run.span())})


def _middle(text: str, start: int, end: int) -> list[int]:
    return [place for place in range(start, end) if text[place].isdecimal()][_SHOWN_FIRST:-_SHOWN_LAST]


def _blanked(text: str, hidden: Set[int]) -> str:
    return "".join("*" if place in hidden else each for place, each in enumerate(text)) if hidden else text


def _numbers(text: str) -> Iterator[tuple[int, int]]:
    """Where card numbers may be. They begin and end with a group of digits, as a date or a code may stand beside one.

    Of two numbers side by side, the first and a part of the second can look like a longer one: all of them are given.
    """
    for run in _GROUPS.finditer(text):
        groups = [match.span() for match in _DIGITS.finditer(text, *run.span())]
        digits = "".join(str(unicodedata.decimal(each)) for each in run[0] if each.isdecimal())
        ends = list(accumulate(end - start for start, end in groups))
        for first, (start, _) in enumerate(groups):
            for last in _lasts(digits, ends, first):
                yield start, groups[last][1]


def _lasts(digits: str, ends: list[int], first: int) -> Iterator[int]:
    """The last group of each card number that begins with group ``first``.

    ``ends``: how many of ``digits`` there are up to the end of each group.
    """
    begin = ends[first - 1] if first else 0
    if not _ISSUERS.match(digits, begin):
        return
    for last in range(first, len(ends)):
        length = ends[last] - begin
        if length > LONGEST:
            return
        if length >= SHORTEST and has_luhn_digit(digits[begin : ends[last]]):
            yield last
