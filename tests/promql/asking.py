"""The same questions to Prometheus, through promtool's unit tests, and to Tidewatch."""

import json
import math
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from schemas.duration import milliseconds
from schemas.failures import Rejected
from streams.promql import Labels, MemoryStorage, compile_expression
from streams.promql.notation import metric, series_line
from streams.rules.running import as_vector

STEP_MS = 15_010
"""Between samples: a multiple of 10, and no sample at 0."""
_LAST_MS = 20 * 60_000
"""promtool loads no samples after the last multiple of the evaluation interval, so neither does Tidewatch see any."""
_AT_MS = _LAST_MS + 5
"""Questions are 10 ms apart, so no sample is ever at the end of a range: promtool before version 3 counts both ends."""

Answer = dict[Labels, float] | None
"""The vector, or None where the evaluation failed."""

_ANSWER = re.compile(r'^    expr: ".*", time: (\S+?),(?: err: (.*)|\n +exp: .*\n +got: (.*))$', re.MULTILINE)
_SAMPLE = re.compile(r"(\{.*?\}|[\w:]+\{.*?\}) ([-+]?[0-9.]+E[-+][0-9]+|[-+]?Inf|NaN)(?:, |$)")


class Questions(NamedTuple):
    """Expressions, each asked once, over the same series."""

    series: dict[str, str]
    """Values in test notation by series."""
    expressions: list[str]


def ask_promtool(promtool: str, asked: Sequence[Questions], directory: Path) -> list[Answer]:
    """What Prometheus gives: every expression is expected to give nothing, and the complaints tell what it gave."""
    cases, at = [], _AT_MS
    for data, expressions in asked:
        tests = [{"expr": text, "eval_time": f"{at + 10 * index}ms"} for index, text in enumerate(expressions)]
        series = [{"series": name, "values": f"_ {values}"} for name, values in data.items()]
        cases.append({"interval": f"{STEP_MS}ms", "input_series": series, "promql_expr_test": tests})
        at += 10 * len(expressions)
    file = directory / "questions.yml"
    file.write_text(json.dumps({"evaluation_interval": "1m", "tests": cases}))
    said = subprocess.run([promtool, "test", "rules", file.name], cwd=directory, capture_output=True, text=True)
    answers: list[Answer] = [{} for _, expressions in asked for _ in expressions]
    for found in _ANSWER.finditer(said.stdout + said.stderr):
        answers[(milliseconds(found[1]) - _AT_MS) // 10] = None if found[2] else _parsed(found[3])
    return answers


def _parsed(text: str) -> Answer:
    return {metric(labels)[0]: float(value) for labels, value in _SAMPLE.findall(text)}


def ask_tidewatch(asked: Sequence[Questions]) -> list[Answer]:
    """What Tidewatch gives."""
    answers: list[Answer] = []
    for data, expressions in asked:
        storage = MemoryStorage()
        for name, values in data.items():
            labels, found = series_line(f"{name} _ {values}")
            for index, value in enumerate(found):
                if value is not None and index * STEP_MS <= _LAST_MS:
                    storage.series(labels).append(index * STEP_MS, value)
        for text in expressions:
            answers.append(_answer(storage, text, _AT_MS + 10 * len(answers)))
    return answers


def _answer(storage: MemoryStorage, text: str, at_ms: int) -> Answer:
    try:
        vector = as_vector(compile_expression(text).evaluate(storage, at_ms))
    except Rejected:
        return None
    return {sample.labels: sample.value for sample in vector}


def differences(promtool: str, asked: Sequence[Questions], directory: Path) -> tuple[list[str], int]:
    """The expressions that do not give the same, told in words, and how many give anything at all."""
    theirs, ours = ask_promtool(promtool, asked, directory), ask_tidewatch(asked)
    texts = [text for _, expressions in asked for text in expressions]
    different = [
        f"{text}\n  Prometheus {there}\n  Tidewatch  {here}"
        for text, there, here in zip(texts, theirs, ours, strict=True)
        if not same(there, here)
    ]
    return different, sum(bool(answer) for answer in ours)


def same(left: Answer, right: Answer) -> bool:
    """Equal but for rounding: 1e-9 of the larger value."""
    if left is None or right is None:
        return left is right
    return left.keys() == right.keys() and all(_close(value, right[labels]) for labels, value in left.items())


def _close(left: float, right: float) -> bool:
    if left != left or right != right:
        return left != left and right != right
    return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
