"""RE2 patterns, as Prometheus writes them, for Python's ``re``.

The parser has already refused what is not RE2 (look-around, back-references). What is left and reads differently in
Python is rewritten here: POSIX classes, ``$``, ``\\z``, ``\\Q..\\E``, ``\\x{..}`` and flags within the pattern.
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
    r"|(?P<class>\[\^?\]?(?:\[:\^?[a-z]+:\]|\\.|[^\]\\])*\])"
    r"|\(\?(?P<flags>[imsU-]+)\)"
    r"|(?P<open>\()"
    r"|(?P<close>\))"
    r"|(?P<bar>\|)"
    r"|(?P<dollar>\$)",
    re.DOTALL,
)
_POSIX = re.compile(r"\[:(\^?)([a-z]+):\]")
_REFERENCE = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")


@lru_cache(maxsize=4096)
def anchored(pattern: str) -> re.Pattern[str]:
    """The pattern compiled for ``fullmatch``; ``.`` matches newlines, as in Prometheus. Raises Rejected."""
    try:
        return re.compile(translate(pattern), re.DOTALL | re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise Rejected(f"the pattern {pattern!r} cannot be used: {error}") from None


def expanded(template: str, found: re.Match[str]) -> str:
    """``$1`` and ``${name}`` replaced, as Go's ``Regexp.Expand``: what is not a group is empty."""

    def group(reference: re.Match[str]) -> str:
        name = reference[1] or reference[2]
        if name is None:
            return "$"
        try:
            return found[int(name) if name.isascii() and name.isdigit() else name] or ""
        except IndexError:
            return ""

    return _REFERENCE.sub(group, template)


def translate(pattern: str) -> str:
    """The pattern in Python's notation. Raises Rejected for what has no equivalent."""
    out: list[str] = []
    position = 0
    flags: list[list[str]] = [[]]
    """For each open group the flags set within it: they hold up to its end, and have to be set again behind each |."""
    for part in _PART.finditer(pattern):
        out.append(pattern[position : part.start()])
        position = part.end()
        out.append(_rewritten(part, flags))
    out.append(pattern[position:])
    out += [")" * len(group) for group in flags]
    return "".join(out)


def _rewritten(part: re.Match[str], flags: list[list[str]]) -> str:
    kind, text = part.lastgroup, part[0]
    if kind == "open":
        flags.append([])
    elif kind == "close":
        return ")" * len(flags.pop()) + text if len(flags) > 1 else text
    elif kind == "flags":
        flags[-1].append(f"(?{part['flags']}:")
        return flags[-1][-1]
    elif kind == "bar":
        return ")" * len(flags[-1]) + "|" + "".join(flags[-1])
    return _literal(part)


def _literal(part: re.Match[str]) -> str:
    kind, text = part.lastgroup, part[0]
    if kind == "quoted":
        return re.escape(part["quoted"])
    if kind == "hex":
        return re.escape(chr(int(part["hex"], 16)))
    if kind in ("end", "dollar"):
        return r"\Z"
    if kind == "class":
        return _class(text)
    if kind == "property":
        raise Rejected(f"the pattern {part.string!r} cannot be used: {text} (a Unicode property) is not supported")
    return text


def _class(text: str) -> str:
    """A bracket expression; a negated POSIX class within it has no equivalent."""

    def members(found: re.Match[str]) -> str:
        if found[1] or found[2] not in _CLASSES:
            raise Rejected(f"the class {found[0]} in {text} is not supported")
        return _CLASSES[found[2]]

    opening = re.match(r"\[\^?\]?", text)
    assert opening is not None
    body = _POSIX.sub(members, text[opening.end() : -1])
    return opening[0].replace("]", r"\]") + re.sub(r"(?<!\\)\[", r"\[", body) + "]"
