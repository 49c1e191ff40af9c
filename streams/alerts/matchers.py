"""Matchers of alerts as Alertmanager writes them: ``severity = critical``, ``team =~ "db|web"``."""

import re

from schemas.failures import Rejected
from streams.promql.matcher import Matcher, MatchOp

_MATCHER = re.compile(
    r"""\s*(?P<name>[a-zA-Z_]\w*)\s*(?P<op>=~|!=|!~|=)\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s"',{}\\]*))\s*""",
    re.S,
)
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}


def parse_matchers(text: str) -> list[Matcher]:
    """One matcher, or several with commas between, in braces or not. Raises Rejected with what is wrong."""
    inner = text.strip()
    if inner.startswith("{") and inner.endswith("}"):
        inner = inner[1:-1]
    found: list[Matcher] = []
    at = 0
    while at < len(inner):
        match = _MATCHER.match(inner, at)
        if match is None or (match.end() < len(inner) and inner[match.end()] != ","):
            raise Rejected(f'{text!r} is not a matcher: write it like severity = critical or team =~ "db|web"')
        found.append(_checked(_matcher(match), text))
        at = match.end() + 1
    return found


def _matcher(match: re.Match[str]) -> Matcher:
    quoted = match["quoted"]
    value = match["bare"] if quoted is None else re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), quoted)
    ops: dict[str, MatchOp] = {"=": "=", "!=": "!=", "=~": "=~", "!~": "!~"}
    return Matcher(match["name"], ops[match["op"]], value)


def _checked(matcher: Matcher, text: str) -> Matcher:
    try:
        matcher.test()
    except Rejected as error:
        raise Rejected(f"{text!r}: {error}") from None
    return matcher
