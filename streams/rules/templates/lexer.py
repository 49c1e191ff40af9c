"""A template's text cut into plain text, actions and the tokens of actions."""

import re
from collections.abc import Iterator

import msgspec

from schemas.failures import Rejected

_ACTION = re.compile(r"\{\{(?P<trim>-\s)?\s*(?P<comment>/\*.*?\*/\s*)?", re.DOTALL)
_TOKEN = re.compile(
    r"(?P<end>\s+-\}\}|\}\})"
    r"|(?P<space>\s+)"
    r'|(?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)'
    r"|(?P<number>[+-]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))"
    r"|(?P<variable>\$\w*(?:\.[A-Za-z_]\w*)*)"
    r"|(?P<field>(?:\.[A-Za-z_]\w*)+)"
    r"|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<sign>:=|[|(),=.])",
)


class TemplateError(Rejected):
    """Why a template cannot be used; ``offset`` in characters."""

    def __init__(self, offset: int, reason: str) -> None:
        self.offset = offset
        self.reason = reason
        super().__init__(reason)


class Token(msgspec.Struct, frozen=True):
    """``kind``: text, string, number, variable, field, word, sign, or end (of an action)."""

    kind: str
    text: str
    offset: int
    spaced: bool = False
    """Whether white space stands before it: ``(x).y`` is a field, ``(x) .y`` another argument."""


def lex(text: str) -> Iterator[Token]:
    """The tokens. Raises TemplateError."""
    position, trim = 0, False
    while (opening := _ACTION.search(text, position)) is not None:
        plain = text[position : opening.start()]
        yield Token("text", _trimmed(plain, trim, bool(opening["trim"])), position)
        position = opening.end()
        if opening["comment"]:
            position, trim = _end_of_comment(text, position)
            continue
        for token in _tokens(text, position, opening.start()):
            yield token
            position, trim = token.offset + len(token.text), token.text.endswith("-}}")
    yield Token("text", _trimmed(text[position:], trim, False), position)


def _trimmed(text: str, left: bool, right: bool) -> str:
    text = text.lstrip() if left else text
    return text.rstrip() if right else text


def _end_of_comment(text: str, position: int) -> tuple[int, bool]:
    for closing, trims in (("-}}", True), ("}}", False)):  # the white space before - belongs to the comment
        if text.startswith(closing, position):
            return position + len(closing), trims
    raise TemplateError(position, "a comment has to be closed by */}}")


def _tokens(text: str, position: int, opened: int) -> Iterator[Token]:
    spaced = False
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise TemplateError(position, f"unexpected {text[position]!r} in an action")
        position = found.end()
        if found.lastgroup != "space":
            yield Token(found.lastgroup or "", found[0], found.start(), spaced)
        if found.lastgroup == "end":
            return
        spaced = found.lastgroup == "space"
    raise TemplateError(opened, "the action is not closed; write }} at its end")
