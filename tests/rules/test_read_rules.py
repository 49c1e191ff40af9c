"""Rule files are read as Prometheus reads them; every mistake is shown where it is, with what to write instead."""

import pytest

from schemas.rules import read_rules
from streams.rules import compile_rules

GOOD = """
groups:
  - name: first
    interval: 30s
    query_offset: 1m
    limit: 10
    labels: {team: platform}
    rules:
      - alert: Down
        expr: up == 0
        for: 1m30s
        keep_firing_for: 5m
        labels: {severity: critical, tier: 1}
        annotations: {summary: "{{ $labels.job }} is down"}
      - record: job:up:sum
        expr: sum by (job) (up)
  - name: second
"""


def test_a_rule_file_becomes_groups_and_rules() -> None:
    (first, second), problems = read_rules(GOOD, "rules.yml")
    assert problems == []
    assert (first.key, first.interval_ms, first.query_offset_ms, first.limit) == ("rules.yml;first", 30_000, 60_000, 10)
    down, recorded = first.rules
    assert (down.name, down.is_alert, down.for_ms, down.keep_firing_for_ms) == ("Down", True, 90_000, 300_000)
    assert {name: label.text for name, label in down.labels.items()} == {"severity": "critical", "tier": "1"}
    assert (recorded.name, recorded.is_alert, recorded.expression.text) == ("job:up:sum", False, "sum by (job) (up)")
    assert second.rules == []


def test_a_kubernetes_prometheus_rule_is_read_from_its_spec() -> None:
    text = "apiVersion: v1\nkind: PrometheusRule\nspec:\n  groups:\n    - name: g\n"
    (group,), problems = read_rules(text, "k.yml")
    assert (group.name, problems) == ("g", [])


def problems_of(rule: str) -> list[str]:
    """The problems of a file with one group and this rule, which begins on line 4."""
    _, problems = compile_rules("groups:\n- name: g\n  rules:\n" + rule, "r.yml")
    return [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("  - alert: A\n", "r.yml:4:5: alert rule 'A' has no expr; add expr: with a PromQL expression"),
        ("  - expr: up\n", "r.yml:4:5: a rule has neither alert nor record; give it exactly one of the two"),
        ("  - {alert: A, expr: up, exp: x}\n", "r.yml:4:26: a rule has the unknown key 'exp'; write 'expr'"),
        ("  - {alert: A, expr: up, expr: x}\n", "r.yml:4:26: a rule has 'expr' twice; remove one of them"),
        (
            "  - {alert: A, expr: up, for: 5}\n",
            "r.yml:4:31: for of alert rule 'A': '5' is not a duration; write it like 30s, 5m or 1h30m; "
            'write "5s" for 5 seconds',
        ),
        (
            "  - {record: a, expr: up, for: 5m}\n",
            "r.yml:4:32: recording rule 'a' has for, which only alert rules have; remove for",
        ),
        (
            "  - {record: 'a{b}', expr: up}\n",
            "r.yml:4:14: 'a{b}' is not a name for a series; labels of the series are set with labels:",
        ),
        (
            "  - {alert: A, expr: up, labels: {__name__: x}}\n",
            "r.yml:4:34: labels of alert rule 'A' contain __name__; the name of a series is set with record:",
        ),
        (
            "  - alert: A\n    expr: rate(up)\n",
            "r.yml:5:11: expr of A: expected type matrix in call to function 'rate', got vector; "
            "give the selector a range, such as [5m]",
        ),
        ("  - alert: A\n    expr: 'up ==== 0'\n", "r.yml:5:17: expr of A: unexpected =="),
        ("  - alert: A\n    expr: |\n      up\n        and down down\n", "r.yml:7:18: expr of A: unexpected down"),
        (
            "  - {alert: A, expr: 'up[5m]'}\n",
            "r.yml:4:23: expr of A gives a matrix, and a rule needs a vector or a number; "
            "apply a function such as rate() to a range",
        ),
        (
            '  - {alert: A, expr: up, labels: {a: "x {{ $lables.b }}"}}\n',
            "r.yml:4:44: the template of a: undefined variable $lables; did you mean $labels?",
        ),
        (
            "  - alert: A\n    expr: up\n    annotations:\n      a: |\n        one\n        {{ $value | humanise }}\n",
            "r.yml:9:21: the template of a: unknown function humanise; did you mean humanize?",
        ),
        ("  - [1]\n", "r.yml:4:5: a rule has to be a mapping; write it as key: value lines"),
        ("  - alert: {a: b}\n    expr: up\n", "r.yml:4:12: alert has to be a text; write it in quotes on one line"),
    ],
)
def test_a_mistake_is_shown_with_file_line_column_and_fix(rule: str, problem: str) -> None:
    assert problem in problems_of(rule)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("groups: [", "r.yml:1:10: not YAML"),
        ("[" * 5000, "r.yml:1:1: nested too deeply"),
        ("a: b", "r.yml:1:1: the file has the unknown key 'a'; known keys are groups"),
        ("groups:\n- rules: []", "r.yml:2:3: a group has no name"),
        ("groups:\n- name: g\n- name: g", "r.yml:3:3: there is another group 'g' in this file; give it another name"),
        ("groups:\n- name: g\n  limit: -1", "r.yml:3:10: limit of the group 'g' has to be a whole number"),
        ("groups: x", "r.yml:1:9: groups has to be a list; begin each item with '- '"),
    ],
)
def test_a_mistake_of_the_file_itself_is_shown(text: str, problem: str) -> None:
    _, problems = read_rules(text, "r.yml")
    assert any(str(each).startswith(problem) for each in problems), problems


def test_all_mistakes_are_shown_in_order_of_their_places() -> None:
    places = [
        each.split(": ")[0] for each in problems_of("  - {alert: A, expr: up(, for: 5}\n  - {record: b, expr: )}\n")
    ]
    assert places == sorted(places)
    assert len(places) == 3


def test_an_empty_file_has_no_rules_and_no_problems() -> None:
    assert read_rules("", "r.yml") == ([], [])
