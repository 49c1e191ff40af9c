"""Where things stand in the text of an expression: the parser itself keeps no positions."""

import re
from collections.abc import Iterator

import msgspec

_TOKEN = re.compile(
    r"(?P<space>\s+|\#[^\n]*)"
    r'|(?P<string>"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`)'
    r"|(?P<number>0[xX][0-9a-fA-F]+|(?:\d+(?:ms|[smhdwy]))+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<word>[A-Za-z_:][A-Za-z0-9_:]*)"
    r"|(?P<sign>==|!=|=~|!~|>=|<=|.)",
    re.DOTALL,
)
_LABEL_LISTS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_FILLS = frozenset({"fill", "fill_left", "fill_right"})
_OPERATORS = frozenset({"and", "or", "unless", "atan2", "bool"})
_NESTING = frozenset({"+", "-", "*", "/", "%", "^", "==", "!=", ">", "<", ">=", "<=", "and", "or", "unless", "atan2"})
_OPENING = frozenset("([")
_CLOSING = frozenset(")]")


class Token(msgspec.Struct, frozen=True):
    """One word, number, string or sign, and its offset in characters."""

    kind: str
    text: str
    offset: int


def tokens(text: str) -> list[Token]:
    """The tokens, without spaces and comments."""
    found = _TOKEN.finditer(text)
    return [Token(match.lastgroup or "", match[0], match.start()) for match in found if match.lastgroup != "space"]


def depth(found: list[Token]) -> int:
    """At most how deep the tree of the expression is: open brackets, and operators, each of which may nest."""
    deepest = nested = operators = 0
    for token in found:
        nested += (token.text in _OPENING) - (token.text in _CLOSING)
        deepest = max(deepest, nested)
        operators += token.text.lower() in _NESTING
    return deepest + operators


def durations(found: list[Token]) -> Iterator[Token]:
    """The tokens that stand where a duration has to: within brackets, and behind ``offset``."""
    nested, behind_offset = 0, False
    for token in found:
        nested += (token.text == "[") - (token.text == "]")
        if token.kind in ("number", "word") and (nested > 0 or behind_offset):
            yield token
        behind_offset = token.text.lower() == "offset" or (behind_offset and token.text in ("+", "-"))


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Both counted from 1."""
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def operand_offsets(text: str) -> Iterator[int]:
    """The offsets of calls, aggregations, selectors, numbers and strings, in the order in which the tree has them."""
    found = tokens(text)
    index = 0
    while index < len(found):
        token = found[index]
        following = found[index + 1].text if index + 1 < len(found) else ""
        word = token.text.lower()
        if token.text in ("[", "{"):
            if token.text == "{":
                yield token.offset
            index = _behind(found, index, "]" if token.text == "[" else "}")
        elif word in _LABEL_LISTS | _FILLS and following == "(":
            index = _behind(found, index + 1, ")")
        elif word in ("offset", "@"):
            index = _behind_time(found, index + 1)
        elif word in _OPERATORS | _LABEL_LISTS or token.kind == "sign":
            index += 1
        else:
            yield token.offset
            index = _behind(found, index + 1, "}") if token.kind == "word" and following == "{" else index + 1


def _behind(found: list[Token], index: int, closing: str) -> int:
    while index < len(found) and found[index].text != closing:
        index += 1
    return index + 1


def _behind_time(found: list[Token], index: int) -> int:
    """Behind the operand of ``offset`` or ``@``: a signed number, or ``start()`` or ``end()``."""
    while index < len(found) and found[index].text in ("+", "-"):
        index += 1
    return index + 3 if index < len(found) and found[index].text in ("start", "end") else index + 1
