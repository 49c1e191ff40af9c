"""Runs Prometheus' test scripts against the evaluator."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from schemas.failures import Rejected
from streams.promql.arithmetic import almost_equal
from streams.promql.expression import Expression, compile_expression
from streams.promql.matcher import matches_all
from streams.promql.memory import MemoryStorage
from streams.promql.moment import Note
from streams.promql.reasons import BadExpression, Unsupported
from streams.promql.testscript import Clear, Eval, Load, parse_script
from streams.promql.values import Labels, Matrix, RangeSeries, Sample, Value, series_text

_TOLERANCE = 1e-6
_MINUTE_MS = 60_000

Series = dict[Labels, list[tuple[int, float]]]
"""Samples (time in ms and value) by label set."""


class Outcome(msgspec.Struct, frozen=True):
    """How one ``eval`` went, and what was expected and got, or why it was skipped."""

    line: int
    expression: str
    verdict: Literal["passed", "failed", "skipped"]
    detail: str = ""


def run_script(text: str) -> Iterable[Outcome]:
    """The outcomes of a script. Raises Rejected when it cannot be read."""
    runner = _Runner()
    for command in parse_script(text):
        if isinstance(command, Clear):
            runner = _Runner()
        elif isinstance(command, Load):
            runner.load(command)
        else:
            yield runner.outcome(command)


class _Mismatch(Exception):  # noqa: N818 - it is an answer, not an error
    pass


class _Runner:
    def __init__(self) -> None:
        self._storage = MemoryStorage()
        self._unsupported: list[tuple[Labels, str]] = []

    def load(self, command: Load) -> None:
        self._unsupported += command.unsupported
        for labels, values in command.series:
            series = self._storage.series(labels)
            for index, value in enumerate(values):
                if value is not None:
                    series.append(index * command.step_ms, value)

    def outcome(self, command: Eval) -> Outcome:
        try:
            reason = command.unsupported or self._run(command)
        except _Mismatch as mismatch:
            return Outcome(command.line, command.expression, "failed", str(mismatch))
        verdict: Literal["passed", "skipped"] = "skipped" if reason else "passed"
        return Outcome(command.line, command.expression, verdict, reason)

    def _run(self, command: Eval) -> str:
        """Raises _Mismatch; gives the reason when the expression is not supported, else nothing."""
        try:
            expression = compile_expression(command.expression)
        except Unsupported as refusal:
            return refusal.reason
        except BadExpression as error:
            _check_failure(command, error.reason)
            return ""
        if reason := self._out_of_reach(expression):
            return reason
        notes: dict[Note, None] = {}
        try:
            value = self._value(expression, command, notes)
        except Rejected as error:
            _check_failure(command, str(error))
            return ""
        if command.expects("fail"):
            raise _Mismatch("expected it to fail, but it did not")
        _check_notes(command, notes)
        _check_value(command, value)
        if expression.kind in ("vector", "scalar") and not command.is_range and not command.expects("ordered"):
            self._check_in_range(expression, command)
        return ""

    def _out_of_reach(self, expression: Expression) -> str:
        for matchers, _ in expression.selectors():
            for labels, reason in self._unsupported:
                if matches_all(matchers, labels):
                    return f"{series_text(labels)}: {reason}"
        return ""

    def _value(self, expression: Expression, command: Eval, notes: dict[Note, None]) -> Value | list[RangeSeries]:
        if not command.is_range:
            return expression.evaluate(self._storage, command.end_ms, notes)
        return expression.evaluate_range(self._storage, command.start_ms, command.end_ms, command.step_ms, notes)

    def _check_in_range(self, expression: Expression, command: Eval) -> None:
        """An instant evaluation has to give the same in the middle of a range."""
        at_ms = command.end_ms
        try:
            found = expression.evaluate_range(self._storage, at_ms - _MINUTE_MS, at_ms + _MINUTE_MS, _MINUTE_MS)
        except Rejected as error:
            raise _Mismatch(f"in a range query: {error}") from None
        middle = {one.labels: list(zip(one.timestamps, one.values, strict=True)) for one in found}
        there = {labels: [sample for sample in samples if sample[0] == at_ms] for labels, samples in middle.items()}
        got = {labels: samples for labels, samples in there.items() if samples}
        if command.number is not None:
            _compare({Labels(): [(at_ms, command.number)]}, got)
        else:
            _compare(_expected(command), got)


def _check_failure(command: Eval, message: str) -> None:
    expected = command.expects("fail")
    if not expected:
        raise _Mismatch(f"failed: {message}")
    if not expected[0].accepts(message):
        raise _Mismatch(f"expected the error {expected[0].text!r}, got {message!r}")


def _check_notes(command: Eval, notes: Iterable[Note]) -> None:
    for kind, note_kind in (("warn", "warning"), ("info", "info")):
        texts = [str(note) for note in notes if note.kind == note_kind]
        expected = command.expects(kind)
        if command.expects(f"no_{kind}") and texts:
            raise _Mismatch(f"expected no {kind}, got {texts}")
        for each in expected:
            if not any(each.accepts(text) for text in texts):
                raise _Mismatch(f"expected {kind} {each.text!r}, got {texts}")
        for text in texts if expected else ():
            if not any(each.accepts(text) for each in expected):
                raise _Mismatch(f"expected {[each.text for each in expected]}, got another {kind}: {text!r}")


def _check_value(command: Eval, value: Value | list[RangeSeries]) -> None:
    if isinstance(value, str):
        if value != command.string:
            raise _Mismatch(f"expected the string {command.string!r}, got {value!r}")
        return
    if isinstance(value, float):
        if command.number is None or not almost_equal(command.number, value, _TOLERANCE):
            raise _Mismatch(f"expected {command.number}, got {value!r}")
        return
    if command.number is not None:
        raise _Mismatch(f"expected the number {command.number}, got {value}")
    got = _got(command, value)
    if command.expects("ordered") and list(got) != list(command.result):
        shown = [series_text(labels) for labels in got]
        raise _Mismatch(f"expected the order {[series_text(labels) for labels in command.result]}, got {shown}")
    _compare(_expected(command), got)


def _got(command: Eval, value: Matrix | list[Sample] | list[RangeSeries]) -> Series:
    found = value.series if isinstance(value, Matrix) else value
    got: Series = {}
    for one in found:
        if isinstance(one, Sample):
            got[one.labels] = [(command.end_ms, one.value)]
        else:
            got[one.labels] = list(zip(one.timestamps, one.values, strict=True))
    return got


def _expected(command: Eval) -> Series:
    start = command.start_ms if command.is_range or command.is_matrix else command.end_ms
    return {
        labels: [(start + index * command.step_ms, value) for index, value in enumerate(values) if value is not None]
        for labels, values in command.result.items()
    }


def _compare(expected: Series, got: Series) -> None:
    for labels, samples in got.items():
        if labels not in expected:
            raise _Mismatch(f"did not expect {series_text(labels)} {_text(samples)}")
    for labels, samples in expected.items():
        found = got.get(labels, [])
        same = len(found) == len(samples) and all(
            mine[0] == theirs[0] and almost_equal(mine[1], theirs[1], _TOLERANCE)
            for mine, theirs in zip(found, samples, strict=True)
        )
        if not same:
            raise _Mismatch(f"expected {series_text(labels)} {_text(samples)}, got {_text(found)}")


def _text(samples: list[tuple[int, float]]) -> str:
    return " ".join(f"{value!r}@{time / 1000:g}s" for time, value in samples) or "nothing"
