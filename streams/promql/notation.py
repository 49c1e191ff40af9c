"""Series as Prometheus' test files write them: ``name{a="b"} 0+10x5 _ stale 3``."""

import re
from collections.abc import Iterator

from schemas.failures import Rejected
from streams.promql.storage import STALE
from streams.promql.values import NAME, Labels

_NUMBER = r"(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[iI][nN][fF]|[nN][aA][nN])"
_ITEM = re.compile(rf"(?P<start>[+-]?{_NUMBER})(?:(?P<sign>[+-])(?P<step>{_NUMBER}))?(?:x(?P<times>\d+))?")
_GAP = re.compile(r"(?P<what>_|stale)(?:x(?P<times>\d+))?")
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_PAIR = re.compile(
    r"""\s*(?P<name>[a-zA-Z_][\w:]*|"(?:[^"\\]|\\.)*")\s*(?:=\s*(?P<value>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)\s*)?(?:,|(?=\}))"""
)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)", re.DOTALL)
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class NativeHistogram(Rejected):
    """The values are native histograms, which are not supported."""


def series_line(line: str) -> tuple[Labels, list[float | None]]:
    """A label set and its values, None where there is none. Raises Rejected."""
    labels, rest = metric(line)
    return labels, values(rest)


def metric(text: str) -> tuple[Labels, str]:
    """The label set at the beginning of the text, and the rest. Raises Rejected."""
    text = text.strip()
    found: dict[str, str] = {}
    if (name := _NAME.match(text)) is not None:
        found[NAME] = name[0]
        text = text[name.end() :]
    rest = text.lstrip()
    if not rest.startswith("{") or rest.startswith("{{"):
        return Labels(found), text
    position = 1
    while (pair := _PAIR.match(rest, position)) is not None:
        key = unquoted(pair["name"]) if pair["name"].startswith('"') else pair["name"]
        if pair["value"] is None:
            found[NAME] = key
        else:
            found[key] = unquoted(pair["value"])
        position = pair.end()
    closing = len(rest) - len(rest[position:].lstrip())
    if rest[closing : closing + 1] != "}":
        raise Rejected(f'{text!r} is not a label set; write it like name{{label="value"}}')
    return Labels((key, value) for key, value in found.items() if value), rest[closing + 1 :]


def unquoted(text: str) -> str:
    """A quoted string without its quotes and escapes."""
    if text.startswith("`"):
        return text[1:-1]
    return _ESCAPE.sub(_escaped, text[1:-1])


def _escaped(found: re.Match[str]) -> str:
    code = found[1]
    if code[0] in "xuU" and len(code) > 1:
        return chr(int(code[1:], 16))
    return chr(int(code, 8)) if code.isdigit() else _ESCAPES.get(code, code)


def values(text: str) -> list[float | None]:
    """The values of a sequence such as ``1 2+3x4 _ stale``: ``2+3x4`` is 2 and four more. Raises Rejected."""
    return [value for item in _items(text) for value in _expanded(item)]


def _items(text: str) -> Iterator[str]:
    if "{{" in text:
        raise NativeHistogram("native histograms are not supported")
    yield from text.split()


def _expanded(item: str) -> list[float | None]:
    if (gap := _GAP.fullmatch(item)) is not None:
        if gap["what"] == "_":
            return [None] * int(gap["times"] or 1)
        return [STALE] * (int(gap["times"] or 0) + 1)
    found = _ITEM.fullmatch(item)
    if found is None:
        raise Rejected(f"{item!r} is not a value; write 5, 0+10x3, _ or stale")
    start = number(found["start"])
    if found["times"] is None and found["step"] is not None:
        raise Rejected(f"{item!r} does not say how often; write {item}x5")
    step = number(found["step"] or "0") * (-1 if found["sign"] == "-" else 1)
    out: list[float | None] = [start]
    for _ in range(int(found["times"] or 0)):
        start += step
        out.append(start)
    return out


def number(text: str) -> float:
    """A number as PromQL writes it, hexadecimal, Inf and NaN included. Raises Rejected."""
    try:
        return float(int(text, 16)) if "x" in text.lower() else float(text)
    except ValueError:
        raise Rejected(f"{text!r} is not a number") from None
