"""Patterns mean what they mean in RE2, not what Python would make of them."""

import pytest

from schemas.failures import Rejected
from streams.promql.regex import anchored


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("a.c", "a\nc", True),
        ("abc$", "abc\n", False),
        ("^abc$", "abc", True),
        (r"abc\z", "abc", True),
        ("[[:alpha:]]+", "abc", True),
        ("[^[:digit:]]+", "a1", False),
        (r"\Qa.b\E+", "a.b", True),
        (r"\Qa.b\E", "axb", False),
        (r"\x{41}\x41", "AA", True),
        ("(?i)abc", "ABC", True),
        ("a(?i)b|c", "aB", True),
        ("a(?i)b|c", "C", True),
        ("a(?i)b|c", "AB", False),
        ("((?i)PRO).*", "pRoduction", True),
        ("((?i)a)b", "AB", False),
        (r"\d+", "٣", False),
        ("[]a]+", "]a", True),
        ("[a[]+", "[a", True),
        ("a|b", "ab", False),
    ],
)
def test_a_pattern_matches_the_whole_text(pattern: str, text: str, matches: bool) -> None:
    assert (anchored(pattern).fullmatch(text) is not None) is matches


@pytest.mark.parametrize("pattern", [r"\pL", "[[:^alpha:]]", "("])
def test_what_has_no_equivalent_is_refused(pattern: str) -> None:
    with pytest.raises(Rejected):
        anchored(pattern)
