"""Unit tests of rules in promtool's format: input series, and the alerts and samples expected at given times."""

import math
from collections.abc import Callable
from datetime import datetime

import msgspec
import yaml

from schemas.duration import duration_text, milliseconds
from schemas.failures import Rejected
from streams.promql import Labels, MemoryStorage, Resolver, compile_expression
from streams.promql.notation import metric, series_line
from streams.promql.values import series_text
from streams.rules.compiled import CompiledGroup, compile_rules, refuse
from streams.rules.engine import RuleEngine
from streams.rules.running import as_vector

_FOREVER_MS = 1 << 60

Find = Callable[[str], list[tuple[str, str]]]
"""From a pattern in ``rule_files`` to the names and texts of the files it stands for."""


class ExpectedAlert(msgspec.Struct):
    """A firing alert, without its label ``alertname``."""

    exp_labels: dict[str, str] | None = None
    exp_annotations: dict[str, str] | None = None


class AlertTest(msgspec.Struct):
    """Which alerts of one rule fire at a time."""

    eval_time: str
    alertname: str = ""
    exp_alerts: list[ExpectedAlert] | None = None


class ExpectedSample(msgspec.Struct):
    """A series and its value."""

    labels: str = ""
    value: float = 0.0
    histogram: str = ""


class ExpressionTest(msgspec.Struct):
    """What an expression gives at a time."""

    expr: str
    eval_time: str = "0s"
    exp_samples: list[ExpectedSample] | None = None


class InputSeries(msgspec.Struct):
    """A series in test notation."""

    series: str
    values: str


class Case(msgspec.Struct, forbid_unknown_fields=True):
    """One test: series that go in, and what is expected of the rules."""

    name: str = ""
    interval: str = ""
    start_timestamp: str | float = 0
    input_series: list[InputSeries] | None = None
    alert_rule_test: list[AlertTest] | None = None
    promql_expr_test: list[ExpressionTest] | None = None
    external_labels: dict[str, str] | None = None
    external_url: str = ""


class TestFile(msgspec.Struct, forbid_unknown_fields=True):
    """The whole file."""

    rule_files: list[str] | None = None
    evaluation_interval: str = "1m"
    group_eval_order: list[str] | None = None
    fuzzy_compare: bool = False
    tests: list[Case] | None = None


class Result(msgspec.Struct, frozen=True):
    """How one test went; no failures: it passed."""

    name: str
    failures: list[str]


def run_tests(text: str, file: str, find: Find) -> list[Result]:
    """The results of a test file. Raises Rejected when the file or its rules cannot be used at all."""
    tests = _read(text, file)
    groups = _groups(tests, find)
    interval_ms = milliseconds(tests.evaluation_interval) or 60_000
    results = []
    for index, case in enumerate(tests.tests or []):
        name = case.name or f"unnamed#{index}"
        try:
            failures = _Run(case, groups, interval_ms, tests.fuzzy_compare).failures()
        except Rejected as error:
            failures = [str(error)]
        results.append(Result(name, failures))
    return results


def _read(text: str, file: str) -> TestFile:
    try:
        return msgspec.convert(yaml.load(text, Loader=yaml.BaseLoader) or {}, TestFile, strict=False)  # noqa: S506
    except (msgspec.ValidationError, yaml.YAMLError) as error:
        raise Rejected(f"{file}: {error}") from None


def _groups(tests: TestFile, find: Find) -> list[CompiledGroup]:
    groups: list[CompiledGroup] = []
    for pattern in tests.rule_files or []:
        for name, text in find(pattern):
            found, problems = compile_rules(text, name)
            refuse(problems)
            groups += found
    order = {name: position for position, name in enumerate(tests.group_eval_order or [])}
    return sorted(groups, key=lambda group: order.get(group.group.name, -1 if order else 0))


class _Run:
    def __init__(self, case: Case, groups: list[CompiledGroup], interval_ms: int, fuzzy: bool) -> None:
        self._case = case
        self._interval_ms = interval_ms
        self._fuzzy = fuzzy
        self._start_ms = _start(case.start_timestamp)
        every_time = [
            CompiledGroup(msgspec.structs.replace(group.group, interval_ms=1), group.rules) for group in groups
        ]
        self._storage = self._loaded()
        self._engine = RuleEngine(
            every_time,
            "",
            external_url=case.external_url,
            external_labels=case.external_labels or {},
            subquery_step_ms=interval_ms,
            keep_recorded_ms=_FOREVER_MS,
        )

    def _loaded(self) -> MemoryStorage:
        storage = MemoryStorage()
        step_ms = milliseconds(self._case.interval) if self._case.interval else self._interval_ms
        for given in self._case.input_series or []:
            labels, values = series_line(f"{given.series} {given.values}")
            series = storage.series(labels)
            for index, value in enumerate(values):
                if value is not None:
                    series.append(self._start_ms + index * step_ms, value)
        return storage

    def failures(self) -> list[str]:
        alerts, expressions = self._case.alert_rule_test or [], self._case.promql_expr_test or []
        times = [milliseconds(test.eval_time) for test in alerts]
        times += [milliseconds(test.eval_time) for test in expressions]
        pending = sorted(alerts, key=lambda test: milliseconds(test.eval_time))
        found: list[str] = []
        for offset in range(0, max(times, default=0) + 1, self._interval_ms):
            self._engine.evaluate(self._start_ms + offset, self._storage)
            if self._engine.errors:
                time = duration_text(offset)
                return [f"rule {key} at {time}: {reason}" for key, reason in self._engine.errors.items()]
            while pending and milliseconds(pending[0].eval_time) < offset + self._interval_ms:
                found += self._alert_failures(pending.pop(0))
        return found + [failure for test in expressions for failure in self._expression_failures(test)]

    def _alert_failures(self, test: AlertTest) -> list[str]:
        if not test.alertname:
            return [f"an alert test at {test.eval_time} has no alertname"]
        firing = [alert for alert in self._engine.active() if alert.state == "firing" and alert.rule == test.alertname]
        got = sorted(_alert_text(alert.labels, alert.annotations) for alert in firing)
        expected = sorted(
            _alert_text({**(alert.exp_labels or {}), "alertname": test.alertname}, alert.exp_annotations or {})
            for alert in test.exp_alerts or []
        )
        if got == expected:
            return []
        return [_difference(f"alert {test.alertname} at {test.eval_time}", expected, got)]

    def _expression_failures(self, test: ExpressionTest) -> list[str]:
        what = f"{test.expr.strip()} at {test.eval_time}"
        try:
            at_ms = self._start_ms + milliseconds(test.eval_time)
            resolver = Resolver(self._storage, self._engine.recorded, step_ms=self._interval_ms)
            value = compile_expression(test.expr).evaluate(resolver, at_ms)
            got = [(sample.labels, sample.value) for sample in as_vector(value)]
            expected = [(metric(sample.labels)[0], sample.value) for sample in test.exp_samples or []]
        except Rejected as error:
            return [f"{what}: {error}"]
        if any(sample.histogram for sample in test.exp_samples or []):
            return [f"{what}: native histograms are not supported"]
        got.sort(key=lambda sample: sorted(sample[0].items()))
        expected.sort(key=lambda sample: sorted(sample[0].items()))
        if len(got) == len(expected) and all(map(self._same, expected, got)):
            return []
        return [_difference(what, [_sample_text(*each) for each in expected], [_sample_text(*each) for each in got])]

    def _same(self, expected: tuple[Labels, float], got: tuple[Labels, float]) -> bool:
        left, right = expected[1], got[1]
        near = self._fuzzy and right in (math.nextafter(left, -math.inf), math.nextafter(left, math.inf))
        return expected[0] == got[0] and (left == right or near)


def _start(given: str | float) -> int:
    try:
        return round(float(given) * 1000)
    except ValueError:
        pass
    try:
        return round(datetime.fromisoformat(str(given)).timestamp() * 1000)
    except ValueError:
        raise Rejected(
            f"start_timestamp {given!r} is neither a number of seconds nor like 2024-01-01T00:00:00Z"
        ) from None


def _alert_text(labels: dict[str, str], annotations: dict[str, str]) -> str:
    return f"{series_text({name: value for name, value in labels.items() if value})} {series_text(annotations)}"


def _sample_text(labels: Labels, value: float) -> str:
    return f"{series_text(labels)} {value!r}"


def _difference(what: str, expected: list[str], got: list[str]) -> str:
    lines = [
        *(f"  expected {each}" for each in expected or ["nothing"]),
        *(f"  got      {each}" for each in got or ["nothing"]),
    ]
    return "\n".join([what, *lines])
