"""Random series that suit an expression: of the names and labels that it asks for, with values near its literals."""

import random
import re
from collections.abc import Iterator
from typing import Any

import promql_parser

SAMPLES = 90
_BOUNDS = ("0.005", "0.1", "0.5", "1", "5", "+Inf")
_COUNTS = re.compile(r"(_total|_count|_sum|_bucket|_seconds)$")
_LABELS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)", re.IGNORECASE)
_SOURCE = re.compile(r'label_(?:replace|join)\(.*?,\s*"\w+"\s*,\s*"[^"]*"\s*,\s*"(\w+)"', re.DOTALL)


def suited(rng: random.Random, expression: str) -> dict[str, str]:
    """Values in test notation by series."""
    others = sorted({name.strip() for listed in _LABELS.findall(expression) for name in listed.split(",")} - {"", "le"})
    others += [name for name in _SOURCE.findall(expression) if name not in others]
    entities = [{name: f"{name[0]}{rng.randint(1, 2)}" for name in [*others, "instance"]} for _ in range(4)]
    # Which of two equal elements topk() takes is not said, so none are equal there.
    spread = 0.01 if re.search("topk|bottomk", expression) else 0.0
    near = [0.0, 1.0] + [float(text) for text in re.findall(r"(?<![\w.\[])\d+(?:\.\d+)?(?![\w.\]])", expression)]
    found: dict[str, str] = {}
    for name, matchers in _selectors(promql_parser.parse(expression)):
        for entity in entities:
            labels = {**entity, **{label: _matching(rng, op, value) for label, op, value in matchers}}
            given = {label: value for label, value in labels.items() if value}
            found.update(_series(rng, name, given, [each + spread * rng.random() for each in near]))
    return found


def _selectors(node: Any) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Names with matchers, of every selector below a node."""
    if isinstance(node, promql_parser.VectorSelector):
        matchers = [(each.name, str(each.op), each.value) for each in node.matchers.matchers]
        named = [value for label, _, value in matchers if label == "__name__"]
        name = node.name or (re.sub(r"[^\w:].*", "", named[0].lstrip("^(")) if named else "")
        yield name or "anything", [each for each in matchers if each[0] != "__name__"]
    for attribute in ("lhs", "rhs", "expr", "param", "vector_selector"):
        if isinstance(below := getattr(node, attribute, None), promql_parser.Expr):
            yield from _selectors(below)
    for argument in getattr(node, "args", None) or ():
        yield from _selectors(argument)


def _matching(rng: random.Random, op: str, value: str) -> str:
    """A label's value that the matcher takes, most of the time."""
    kind = op.rpartition(".")[2]
    if rng.random() < 0.1:
        return "else"
    if kind == "Equal":
        return value
    if kind == "Re":
        plain = [re.sub(r"\.[*+]|\[.*?\][*+]?", "x", each).replace("\\", "") for each in value.strip("()^$").split("|")]
        fitting = [each for each in plain if _fits(value, each)]
        return rng.choice(fitting or ["x"])
    return "other"


def _fits(pattern: str, text: str) -> bool:
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error:
        return False


def _series(rng: random.Random, name: str, labels: dict[str, str], near: list[float]) -> Iterator[tuple[str, str]]:
    if name.endswith("_bucket"):
        total = [0.0] * SAMPLES
        for bound in _BOUNDS:
            total = [before + more for before, more in zip(total, _rising(rng, 20), strict=True)]
            yield _line(name, {**labels, "le": bound}), _written(rng, total, 0.0)
    elif _COUNTS.search(name):
        yield _line(name, labels), _written(rng, _rising(rng, rng.choice([1, 50, 4000])), 0.03)
    else:
        levels = [each * factor for each in near for factor in (0.9, 1.0, 1.2)]
        values = [rng.choice(levels) for _ in range(SAMPLES)] if rng.random() < 0.5 else [rng.choice(levels)] * SAMPLES
        yield _line(name, labels), _written(rng, values, 0.03)


def _rising(rng: random.Random, most: int) -> list[float]:
    """A counter from 5,000 on, so that no extrapolation reaches below 0, with a reset now and then."""
    value, values = 5000.0, []
    for _ in range(SAMPLES):
        value = 5000.0 if rng.random() < 0.005 else value + rng.randint(0, most)
        values.append(value)
    return values


def _written(rng: random.Random, values: list[float], gaps: float) -> str:
    return " ".join("_" if rng.random() < gaps else f"{value:.10g}" for value in values)


def _line(name: str, labels: dict[str, str]) -> str:
    quoted = ", ".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    return f"{name}{{{quoted}}}"
