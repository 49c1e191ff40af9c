"""RE2 patterns, as Prometheus writes them, for Python's ``re``.

The parser has already refused what is not RE2 (look-around, back-references). What is left and reads differently in
Python is rewritten here: POSIX classes, ``$``, ``\\z``, ``\\Q..\\E``, ``\\x{..}`` and flags at the beginning.
"""

import re
from functools import lru_cache

from schemas.failures import Rejected

_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7F",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1F\x7F",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_PART = re.compile(
    r"\\Q(?P<quoted>.*?)(?:\\E|$)"
    r"|\\x\{(?P<hex>[0-9A-Fa-f]+)\}"
    r"|(?P<end>\\z)"
    r"|(?P<property>\\[pP])"
    r"|(?P<escape>\\.)"
    r"|\[:(?P<posix>[a-z]+):\]"
    r"|(?P<open>\[\^?\]?)"
    r"|(?P<close>\])"
    r"|(?P<dollar>\$)",
    re.DOTALL,
)
_LEADING_FLAGS = re.compile(r"\(\?([ims]+)\)")


@lru_cache(maxsize=4096)
def anchored(pattern: str) -> re.Pattern[str]:
    """The pattern compiled for ``fullmatch``; ``.`` matches newlines, as in Prometheus. Raises Rejected."""
    try:
        return re.compile(translate(pattern), re.DOTALL | re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise Rejected(f"the pattern {pattern!r} cannot be used: {error}") from None


def translate(pattern: str) -> str:
    """The pattern in Python's notation. Raises Rejected for what has no equivalent."""
    if flags := _LEADING_FLAGS.match(pattern):
        return f"(?{flags[1]}:{translate(pattern[flags.end() :])})"
    out: list[str] = []
    inside_class = False
    position = 0
    for part in _PART.finditer(pattern):
        out.append(
            pattern[position : part.start()].replace("[", r"\[") if inside_class else pattern[position : part.start()]
        )
        position = part.end()
        text, kind = part[0], part.lastgroup
        if kind == "open":
            out.append(r"\[" + text[1:] if inside_class else text)
            inside_class = True
        elif kind == "close":
            inside_class = False
            out.append(text)
        else:
            out.append(_rewrite(part, inside_class))
    out.append(pattern[position:])
    return "".join(out)


def _rewrite(part: re.Match[str], inside_class: bool) -> str:
    text, kind = part[0], part.lastgroup
    if kind == "quoted":
        return re.escape(part["quoted"])
    if kind == "hex":
        return re.escape(chr(int(part["hex"], 16)))
    if kind == "end":
        return r"\Z"
    if kind == "dollar":
        return text if inside_class else r"\Z"
    if kind == "posix":
        return _CLASSES.get(part["posix"], text) if inside_class else text
    if kind == "property":
        raise Rejected(f"the pattern {part.string!r} cannot be used: {text} (a Unicode property) is not supported")
    return text
