"""``tidewatch test rules`` gives the verdicts of ``promtool test rules``; the shipped rules pass both."""

import subprocess
from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner

from schemas.failures import Rejected
from streams.cli import main
from streams.rules.unittests import run_tests

SHIPPED = Path(str(resources.files("streams.rules"))) / "shipped"
RULES = """
groups:
  - name: g
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
      - alert: Down
        expr: job:up:sum == 0
        for: 2m
        annotations: {summary: "{{ $labels.job }} {{ $externalLabels.region }}"}
"""
CASE = """
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - name: case
    interval: 1m
    external_labels: {{region: eu}}
    input_series:
      - {{series: 'up{{job="a"}}', values: '1 0x5'}}
    {}
"""
FIRES = (
    "alert_rule_test: [{eval_time: 3m, alertname: Down, "
    "exp_alerts: [{exp_labels: {job: a}, exp_annotations: {summary: 'a eu'}}]}]"
)
SUM = (
    "promql_expr_test: [{expr: 'job:up:sum', eval_time: 1m, "
    "exp_samples: [{labels: 'job:up:sum{job=\"a\"}', value: 0}]}]"
)
PENDING = (
    "promql_expr_test: [{expr: 'count(ALERTS) by (alertstate)', eval_time: 2m, "
    "exp_samples: [{labels: '{alertstate=\"pending\"}', value: 1}]}]"
)


def shipped_tests() -> list[Path]:
    return sorted(SHIPPED.glob("*.test.yml"))


@pytest.mark.parametrize("file", shipped_tests(), ids=lambda file: file.name)
def test_the_shipped_rules_pass_their_tests(file: Path) -> None:
    result = CliRunner().invoke(main, ["test", "rules", str(file)])
    assert result.output.endswith(" passed, 0 failed\n"), result.output
    assert result.exit_code == 0


@pytest.mark.parametrize("file", shipped_tests(), ids=lambda file: file.name)
def test_the_shipped_rules_pass_their_tests_in_prometheus_too(promtool: str, file: Path) -> None:
    rules = file.with_name(file.name.replace(".test.yml", ".yml"))
    for command in (["check", "rules", rules.name], ["test", "rules", file.name]):
        done = subprocess.run([promtool, *command], cwd=SHIPPED, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


VERDICTS = [
    (FIRES, True),
    (FIRES.replace("3m", "2m"), False),
    (FIRES.replace("3m", "3m30s"), True),
    (FIRES.replace("job: a", "job: b"), False),
    (FIRES.replace("a eu", "a us"), False),
    ("alert_rule_test: [{eval_time: 2m, alertname: Down, exp_alerts: []}]", True),
    ("alert_rule_test: [{eval_time: 3m, alertname: Down}]", False),
    (SUM, True),
    (SUM.replace("value: 0", "value: 1"), False),
    ("promql_expr_test: [{expr: 'job:up:sum', eval_time: 1m}]", False),
    (PENDING, True),
    ("promql_expr_test: [{expr: 'up + on() (up or vector(1))', eval_time: 1m}]", False),
    ("promql_expr_test: [{expr: 'up +', eval_time: 1m}]", False),
]


@pytest.mark.parametrize(("test", "passes"), VERDICTS)
def test_a_case_passes_or_fails(test: str, passes: bool) -> None:
    (result,) = run_tests(CASE.format(test), "t.yml", lambda pattern: [(pattern, RULES)])
    assert (not result.failures) is passes, result.failures


@pytest.mark.parametrize(("test", "passes"), VERDICTS)
def test_promtool_agrees(promtool: str, tmp_path: Path, test: str, passes: bool) -> None:
    (tmp_path / "rules.yml").write_text(RULES)
    (tmp_path / "t.yml").write_text(CASE.format(test))
    done = subprocess.run([promtool, "test", "rules", "t.yml"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode == 0) is passes, done.stdout + done.stderr


def test_a_failure_shows_what_was_expected_and_what_came() -> None:
    (result,) = run_tests(CASE.format(FIRES.replace("a eu", "x")), "t.yml", lambda pattern: [(pattern, RULES)])
    (failure,) = result.failures
    assert failure.splitlines() == [
        "alert Down at 3m",
        '  expected {alertname="Down", job="a"} {summary="x"}',
        '  got      {alertname="Down", job="a"} {summary="a eu"}',
    ]


@pytest.mark.parametrize(
    ("text", "rules", "reason"),
    [
        ("tests: 5", "", "t.yml: "),
        ("test: []", "", "t.yml: "),
        ("rule_files: [r.yml]", "groups: [{name: g, rules: [{alert: A, expr: 'up('}]}]", "r.yml:1:"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(text: str, rules: str, reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        run_tests(text, "t.yml", lambda pattern: [(pattern, rules)])
