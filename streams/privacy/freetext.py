"""Texts that nobody has classified: e-mail addresses, card numbers and national ids are masked, the rest is kept."""

import re
from functools import lru_cache
from urllib.parse import unquote

from streams.privacy import cards, national_ids

_SUSPICIOUS = re.compile(r"@|%[2-9A-Fa-f][0-9A-Fa-f]|\d(?:(?!\n)[\W_]?\d){8}|\d\d[ -]?[A-Za-z](?!\w)|\d[AaBb] ?\d{3}")
"""What every text has that must be looked at closely; most have none of it. All begin with a digit, which is quick."""

_ESCAPED = re.compile(r"(?:%[2-9A-Fa-f][0-9A-Fa-f])+")
"""Characters as URLs have them: a name is no less one for that."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
"""The usual id of an event, all different: looking closely at each would cost more than the rest of it."""

_LOCAL = r"[^\s@<>\"'(),:;\[\]]"
_EMAIL = re.compile(rf"(?<!{_LOCAL}){_LOCAL}++@[^\W_](?:[\w-]*[^\W_])?(?:\.[\w-]+)*\.[^\W\d_]{{2,24}}(?!\w)")
"""Wider than RFC 5321: letters of any script, and no quoted local parts."""


def is_harmless(text: str) -> bool:
    """Whether there is nothing in a text that could have to be masked: most are, and that is seen at once."""
    return not _SUSPICIOUS.search(text)


_DIGITS = str.maketrans("123456789", "0" * 9)


def is_harmless_by_form(text: str) -> bool:
    """The same, remembered for texts that differ in their digits alone, such as names of instances."""
    return is_harmless(text) if "%" in text else _is_harmless_form(text.translate(_DIGITS))


_is_harmless_form = lru_cache(16_384)(is_harmless)


@lru_cache(16_384)
def masked(text: str) -> str:
    """The text without what may name a person. ``[email]`` and ``[national-id]`` say what was there.

    Escapes of URLs are undone, so that whoever looks for names in the text finds them.
    """
    if _UUID.fullmatch(text) or is_harmless(text):
        return text
    if "%" in text:
        text = _ESCAPED.sub(lambda found: unquote(found[0]), text)
    if "@" in text:
        text = _EMAIL.sub("[email]", text)
    return national_ids.masked(cards.truncated(text))
