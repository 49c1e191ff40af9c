"""CEL as far as policies use it, read and computed independently of the library: the oracle of what a verdict means.

A formula is a tuple of an operator and its operands; what has no value is ``None``, and logic is Kleene's.
"""

import operator
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

Formula = tuple[Any, ...]

_TOKEN = re.compile(r"\s*(?:('(?:[^'\\]|\\.)*')|(\d+)|([A-Za-z_][\w.]*)|(&&|\|\||[=!<>]=|[<>!()\[\],]))")
_COMPARISONS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@cache
def read(text: str) -> Formula:
    """The formula of a condition; raises ``AssertionError`` for what policies that are shipped do not use."""
    tokens, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        assert match, text[at:]
        tokens.append(match[0].strip())
        at = match.end()
    formula = _any_of(tokens)
    assert not tokens, tokens
    return formula


def _any_of(tokens: list[str]) -> Formula:
    found = _all_of(tokens)
    while tokens[:1] == ["||"]:
        tokens.pop(0)
        found = ("or", found, _all_of(tokens))
    return found


def _all_of(tokens: list[str]) -> Formula:
    found = _compared(tokens)
    while tokens[:1] == ["&&"]:
        tokens.pop(0)
        found = ("and", found, _compared(tokens))
    return found


def _compared(tokens: list[str]) -> Formula:
    left = _single(tokens)
    if tokens[:1] == ["in"] or (tokens and tokens[0] in _COMPARISONS):
        return (tokens.pop(0), left, _single(tokens))
    return left


def _single(tokens: list[str]) -> Formula:
    token = tokens.pop(0)
    if token == "!":
        return ("not", _single(tokens))
    if token == "(":
        found = _any_of(tokens)
        assert tokens.pop(0) == ")"
        return found
    if token == "[":
        items = []
        while tokens[0] != "]":
            items.append(_single(tokens))
            if tokens[0] == ",":
                tokens.pop(0)
        tokens.pop(0)
        return ("list", *items)
    if token.startswith("'"):
        return ("is", token[1:-1])
    return ("is", int(token)) if token.isdigit() else ("value", token)


def value(formula: Formula, facts: Mapping[str, Any]) -> Any:
    """What a formula is for these facts; None: undecided."""
    kind, *parts = formula
    if kind == "is":
        return parts[0]
    if kind == "value":
        return facts.get(parts[0])
    values = [value(part, facts) for part in parts]
    if kind == "list":
        return values
    if kind == "and":
        return False if False in values else None if None in values else True
    if kind == "or":
        return True if True in values else None if None in values else False
    if None in values:
        return None
    if kind == "not":
        return not values[0]
    return values[0] in values[1] if kind == "in" else _COMPARISONS[kind](*values)


def variables(formula: Formula) -> set[str]:
    """Those in a formula."""
    kind, *parts = formula
    if kind == "value":
        return {parts[0]}
    return set() if kind == "is" else set().union(*map(variables, parts))


def literals(formula: Formula) -> set[str]:
    """The texts in a formula."""
    kind, *parts = formula
    if kind == "is":
        return {parts[0]} if isinstance(parts[0], str) and parts[0] else set()
    return set() if kind == "value" else set().union(*map(literals, parts))
