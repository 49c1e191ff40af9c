"""Why an expression cannot be used, where in it, and what to write instead."""

import difflib
import re
from collections.abc import Iterable
from itertools import pairwise

import promql_parser

from schemas.failures import Rejected
from streams.promql.functions import FUNCTIONS
from streams.promql.tokens import Token, line_and_column, tokens

_CLOSING = {"(": ")", "[": "]", "{": "}"}
_COMPLETIONS = (
    "",
    "x",
    "1",
    "(x)",
    "5m",
    "x=1",
    'x="y"',
    '="y"',
    '"y"',
    "=1",
    "5m]",
    "(5m)",
    "()",
    "(x) (x)",
    "(x) x",
    "x) (x)",
    "x) x",
)
_ARITHMETIC = "+-*/%^(srm"
"""What begins an operator, a parenthesis, or one of ``step()``, ``range()``, ``min_of()``, ``max_of()``."""
_DURATIONS = "arithmetic with durations is experimental in Prometheus and not supported; write the result"
_SYNTAX = ("invalid promql query", "unexpected", "unclosed", "bad number or duration")


class BadExpression(Rejected):
    """``line`` and ``column`` count from 1 within the expression."""

    def __init__(self, text: str, offset: int, reason: str) -> None:
        self.line, self.column = line_and_column(text, offset)
        self.reason = reason
        super().__init__(f"{self.line}:{self.column}: {reason}")


class Unsupported(BadExpression):
    """It is PromQL, but of the experimental kind, or about native histograms."""


def explain(text: str, message: str) -> BadExpression:
    """The parser's message with a position and a hint."""
    found = tokens(text)
    if not found:
        return BadExpression(text, 0, "the expression is empty")
    for token, following in pairwise(found):
        if token.text == "info" and following.text == "(":
            return Unsupported(text, token.offset, "info() is experimental in Prometheus and not supported")
    if message.startswith(("invalid promql query", "unexpected end", "unexpected right", "unclosed")):
        return _syntax_error(text, found)
    if message.startswith("unexpected character inside brackets") and message[-2] in _ARITHMETIC:
        return Unsupported(text, _in_brackets(found, message[-2]), _DURATIONS)
    if (call := re.search(r"call to function '(\w+)'|unknown function with name '(\w+)'", message)) is not None:
        name = call[1] or call[2]
        return BadExpression(text, _word(found, name), message + _hint(message, name))
    if (quoted := re.search(r": '(.)'|'(\w+)'", message)) is not None:
        return BadExpression(text, _word(found, quoted[1] or quoted[2]), message)
    return BadExpression(text, found[0].offset, message)


def _in_brackets(found: list[Token], character: str) -> int:
    """The offset of the first token within brackets that begins with the character."""
    depth = 0
    for token in found:
        depth += (token.text == "[") - (token.text == "]")
        if depth and token.text.startswith(character):
            return token.offset
    return 0


def _hint(message: str, name: str) -> str:
    if "unknown function" in message:
        close = difflib.get_close_matches(name, FUNCTIONS, n=1)
        return f"; did you mean {close[0]}?" if close else ""
    if "expected type matrix" in message and "got vector" in message:
        return "; give the selector a range, such as [5m]"
    if "expected type vector" in message and "got matrix" in message:
        return "; take the range away, or apply a function such as rate() to it first"
    return ""


def _word(found: Iterable[Token], word: str) -> int:
    return next((token.offset for token in found if token.text == word), 0)


def _syntax_error(text: str, found: list[Token]) -> BadExpression:
    """The first token after which nothing could make the text an expression again."""
    for index, token in enumerate(found):
        if not _can_go_on(text, found[: index + 1]):
            return _unsupported(text, token) or BadExpression(text, token.offset, f"unexpected {token.text}")
    return BadExpression(text, len(text.rstrip()), "unexpected end of the expression; something is missing after it")


def _unsupported(text: str, token: Token) -> Unsupported | None:
    """A refusal that names what the token begins, if it is one of Prometheus' experimental additions to the grammar."""
    if token.text in ("anchored", "smoothed"):
        return Unsupported(
            text, token.offset, f"{token.text} selectors are experimental in Prometheus and not supported"
        )
    if text[token.offset - 1 : token.offset + 1] in (">/", "</"):
        return Unsupported(text, token.offset, "trimming native histograms is not supported")
    if re.search(r"(\[|:|offset)[^\]]*$", text[: token.offset]) and not re.search(
        r"[{\"'][^}\"']*$", text[: token.offset]
    ):
        return Unsupported(text, token.offset, _DURATIONS)
    return None


def _can_go_on(text: str, so_far: list[Token]) -> bool:
    prefix = text[: so_far[-1].offset + len(so_far[-1].text)]
    open_brackets: list[str] = []
    for token in so_far:
        if token.text in _CLOSING:
            open_brackets.append(_CLOSING[token.text])
        elif open_brackets and token.text == open_brackets[-1]:
            open_brackets.pop()
    closers = "".join(reversed(open_brackets))
    rests = [completion + closers for completion in _COMPLETIONS]
    rests += [closers + " x", closers + "(x)"]
    return any(_is_syntax(f"{prefix} {rest}") or _is_syntax(prefix + rest) for rest in rests)


def _is_syntax(text: str) -> bool:
    try:
        promql_parser.parse(text)
    except ValueError as error:
        return not str(error).startswith(_SYNTAX)
    return True
