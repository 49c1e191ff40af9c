"""Random expressions give the same in Tidewatch as in Prometheus itself, asked through promtool's unit tests."""

import json
import math
import random
import re
import subprocess
from pathlib import Path

import pytest

from schemas.duration import milliseconds
from schemas.failures import Rejected
from streams.promql import Labels, MemoryStorage, compile_expression
from streams.promql.notation import metric, series_line
from streams.rules.running import as_vector
from tests.promql.expressions import STEP_MS, Expressions, series

COUNT = 300
"""Expressions in one run of the tests; other seeds and larger numbers are one call away."""
AT_MS = 20 * 60_000 + 1
"""promtool loads no samples after the last multiple of the evaluation interval, so neither does Tidewatch see any."""

Answer = dict[Labels, float] | None
"""The vector, or None where the evaluation failed."""

_ANSWER = re.compile(r'^    expr: ".*", time: (\S+?),(?: err: (.*)|\n +exp: .*\n +got: (.*))$', re.MULTILINE)
_SAMPLE = re.compile(r"(\{.*?\}|\w+\{.*?\}) ([-+]?[0-9.]+E[-+][0-9]+|[-+]?Inf|NaN)(?:, |$)")


def given(seed: int, count: int) -> tuple[dict[str, str], list[str]]:
    """Series in test notation, and expressions over them."""
    rng = random.Random(seed)
    data = series(rng)
    expressions = Expressions(rng)
    return data, [expressions.vector() for _ in range(count)]


def ask_promtool(promtool: str, data: dict[str, str], expressions: list[str], directory: Path) -> dict[int, Answer]:
    """What Prometheus gives: every expression is expected to give nothing, and the complaints tell what it gave."""
    tests = [{"expr": text, "eval_time": f"{AT_MS + index}ms"} for index, text in enumerate(expressions)]
    case = {
        "interval": f"{STEP_MS}ms",
        "input_series": [{"series": name, "values": f"_ {values}"} for name, values in data.items()],
        "promql_expr_test": tests,
    }
    file = directory / "questions.yml"
    file.write_text(json.dumps({"evaluation_interval": "1m", "tests": [case]}))
    said = subprocess.run([promtool, "test", "rules", file.name], cwd=directory, capture_output=True, text=True)
    answers: dict[int, Answer] = {index: {} for index in range(len(expressions))}
    for found in _ANSWER.finditer(said.stdout + said.stderr):
        index = milliseconds(found[1]) - AT_MS
        answers[index] = None if found[2] else _parsed(found[3])
    return answers


def _parsed(text: str) -> Answer:
    return {metric(labels)[0]: float(value) for labels, value in _SAMPLE.findall(text)}


def ask_tidewatch(data: dict[str, str], expressions: list[str]) -> dict[int, Answer]:
    """What Tidewatch gives."""
    storage = MemoryStorage()
    for name, values in data.items():
        labels, found = series_line(f"{name} _ {values}")
        for index, value in enumerate(found):
            if value is not None:
                storage.series(labels).append(index * STEP_MS, value)
    answers: dict[int, Answer] = {}
    for index, text in enumerate(expressions):
        try:
            vector = as_vector(compile_expression(text).evaluate(storage, AT_MS + index))
            answers[index] = {sample.labels: sample.value for sample in vector}
        except Rejected:
            answers[index] = None
    return answers


def same(left: Answer, right: Answer) -> bool:
    """Equal but for rounding: 1e-9 of the larger value."""
    if left is None or right is None:
        return left is right
    return left.keys() == right.keys() and all(_close(value, right[labels]) for labels, value in left.items())


def _close(left: float, right: float) -> bool:
    if left != left or right != right:
        return left != left and right != right
    return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize("seed", [1])
def test_random_expressions_give_what_prometheus_gives(promtool: str, tmp_path: Path, seed: int) -> None:
    data, expressions = given(seed, COUNT)
    theirs, ours = ask_promtool(promtool, data, expressions, tmp_path), ask_tidewatch(data, expressions)
    different = [
        f"{text}\n  Prometheus {theirs[index]}\n  Tidewatch  {ours[index]}"
        for index, text in enumerate(expressions)
        if not same(theirs[index], ours[index])
    ]
    assert different == []
    assert sum(bool(answer) for answer in ours.values()) > COUNT / 2, "most expressions have to give something"
