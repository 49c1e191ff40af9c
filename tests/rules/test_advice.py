"""Rules that load but cannot work as they were meant."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli import main
from streams.config.files import load_rules
from streams.rules.advice import advise
from streams.rules.compiled import compile_rules

RULE = """groups:
  - name: g
    rules:
      - alert: A
        expr: {expr}
        labels: {{severity: "{label}"}}
        annotations: {{summary: "{annotation}"}}
"""


def advice(expr: str, label: str = "high", annotation: str = "", strict: bool = False) -> list[str]:
    groups, problems = compile_rules(RULE.format(expr=expr, label=label, annotation=annotation), "rules.yml")
    assert not problems
    return [f"{problem.place.line}:{problem.place.column} {problem.text}" for problem in advise(groups, strict)]


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        ("histogram_quantile(0.95, x_bucket) > 1", "5:15 histogram_quantile reads x_bucket without rate()"),
        ("histogram_quantile(0.95, sum by (le) (x_bucket)) > 1", "without rate()"),
        ("histogram_quantile(0.95, sum by (job) (rate(x_bucket[5m])))", "needs the label le"),
        ("histogram_quantile(0.95, sum(rate(x_bucket[5m])))", "needs the label le"),
        ("histogram_quantile(0.95, sum without (le) (rate(x_bucket[5m])))", "needs the label le"),
        ("1 + rate(temperature[5m])", "5:24 rate() is for counters, and temperature may be a gauge"),
        ("increase(sla_error_ratio[5m]) > 0", "increase() is for counters"),
        ("rate(auth_failure_total[5m])", "no event type gives auth_failure_total"),
    ],
)
def test_an_expression_that_does_not_do_what_it_seems(expr: str, text: str) -> None:
    (found,) = advice(expr)
    assert text in found


@pytest.mark.parametrize(
    "expr",
    [
        "histogram_quantile(0.95, sum by (le, service) (rate(x_bucket[5m]))) > 1",
        "histogram_quantile(0.95, sum without (service) (increase(x_bucket[5m])))",
        "histogram_quantile(0.95, job:x_bucket:rate5m)",
        "histogram_quantile(0.9, sum by (le, a) (rate(x_bucket[5m])) * on (a) group_left (b) max by (a, b) (y))",
        "rate(requests_total[5m]) > rate(job:temperature:avg[5m])",
        "deriv(temperature[5m]) > 0",
        "rate({job='x'}[5m])",
        "up == 0 and on (service) max_over_time(rate(x_total[1m])[5m:]) > 0",
    ],
)
def test_an_expression_that_is_well(expr: str) -> None:
    assert advice(expr) == []


@pytest.mark.parametrize(
    ("label", "annotation", "text"),
    [
        ("{{ $value }}", "", "6:29 the label severity of A contains the value"),
        ("high", "{{ $labels.instance }}", "the annotation summary of A uses the label instance"),
        ("high", "{{ .Labels.instance }}", "uses the label instance"),
        ("high", "{{ .value }}", "uses .value, which templates of rules do not have"),
        ("high", "{{ .StartsAt }}", "uses .StartsAt"),
    ],
)
def test_a_template_that_cannot_show_what_it_should(label: str, annotation: str, text: str) -> None:
    (found,) = advice("sum by (service) (up) > 1", label, annotation)
    assert text in found


@pytest.mark.parametrize(
    ("expr", "annotation"),
    [
        ("sum by (service) (up) > 1", "{{ $labels.service }} at 1.5: {{ $value | humanize }} {{ .Value }}"),
        ("up == 0", "{{ $labels.anything }}"),
        ("sum by (service) (up) > on () group_left (team) owner", "{{ $labels.team }}"),
        ("sum by (a) (up) > 1", "{{ range query `up` }}{{ .Labels.b }}{{ .Value }}{{ end }} {{ $externalURL }}"),
        ("topk(3, up) > 0", "{{ $labels.service }}"),
        ("count_values('version', build_info) > 1", "{{ $labels.version }}"),
    ],
)
def test_a_template_that_is_well(expr: str, annotation: str) -> None:
    if "range" in annotation:
        annotation = annotation.replace("{{ .Labels.b }}", "{{ .Labels }}")
    assert advice(expr, annotation=annotation) == []


def test_names_that_only_events_can_give_are_told_when_asked() -> None:
    assert advice("cpu_usage_percent > 90") == []
    (found,) = advice("cpu_usage_percent > 90", strict=True)
    assert "makes cpu_usage_percent: it has to come from metric events" in found


def test_the_rules_that_are_shipped_need_no_advice() -> None:
    assert advise(load_rules([])) == []


def test_check_prints_warnings_and_succeeds(tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(RULE.format(expr="rate(temperature[5m]) > x", label="high", annotation=""))
    result = CliRunner().invoke(main, ["check", str(file)])
    assert result.exit_code == 0
    assert f"{file}:5:20: warning: rate() is for counters" in result.stdout
    assert result.stdout.endswith("1 rule, no errors, 1 warning\n")
    strict = json.loads(CliRunner().invoke(main, ["check", "--strict", "--json", str(file)]).stdout)
    assert len(strict["warnings"]) == 3
    assert strict["errors"] == []
    assert strict["warnings"][0]["line"] == 5


@pytest.mark.parametrize(
    "said", ["{{ $value }} errors/5m", "{{ $value | humanize }} in 5 minutes", "{{ $value }} per h"]
)
def test_a_rate_that_is_said_to_be_per_range(said: str) -> None:
    (found,) = advice("sum(rate(errors_total[5m])) > 10", annotation=said)
    assert "rate() is per second whatever its range is" in found
    assert advice("sum(increase(errors_total[5m])) > 10", annotation=said) == []


@pytest.mark.parametrize("said", ["{{ $value }} errors/s", "{{ $value }} a second over the last 5 minutes"])
def test_a_rate_that_is_said_to_be_per_second(said: str) -> None:
    assert advice("rate(errors_total[5m]) > 10", annotation=said) == []
