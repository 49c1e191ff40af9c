"""Mutants of a condition: its text with one comparison turned around. The tests of its file must notice each."""

import re
from collections.abc import Iterator

_STRING = re.compile(r"'[^']*'")
_OPERATOR = re.compile(r"==|!=|<=|>=|<|>|&&|\|\||!(?!=)")
_IN = re.compile(r"(?:'[^']*'|[\w.]+) in (?:\[[^\]]*\]|[\w.]+)")

_TURNED = {
    "==": ["!="],
    "!=": ["=="],
    "<=": ["<", ">"],
    ">=": [">", "<"],
    "<": ["<=", ">="],
    ">": [">=", "<="],
    "&&": ["||"],
    "||": ["&&"],
    "!": [""],
}


def mutants(condition: str) -> Iterator[str]:
    """Every condition with one comparison or connective changed."""
    blank = _STRING.sub(lambda text: "_" * len(text[0]), condition)
    for found in _OPERATOR.finditer(blank):
        for other in _TURNED[found[0]]:
            yield condition[: found.start()] + other + condition[found.end() :]
    for found in _IN.finditer(condition):
        yield f"{condition[: found.start()]}!({found[0]}){condition[found.end() :]}"
