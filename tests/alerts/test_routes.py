"""Alertmanager's configuration: who is told of which alert, what is wrong with it, and what no alert reaches."""

from pathlib import Path

import pytest

from schemas.yamltext import YamlText
from streams.alerts.alertmanager import read_config
from streams.alerts.ladders import read_ladders
from streams.alerts.reach import unreached, unrouted
from streams.alerts.routes import Route, read_routes
from streams.rules.compiled import compile_rules

GUIDE = (Path(__file__).parent / "guide_alertmanager.yml").read_text(encoding="utf-8")

TREE = """
receiver: default
routes:
  - matchers: [severity = critical]
    receiver: pager
    routes:
      - matchers: ['escalation = manager']
        receiver: manager
  - matchers: ['team =~ "db|web"']
    receiver: team
    continue: true
  - match: {team: db}
    receiver: database
  - matchers: ['alertname != Quiet']
"""


def tree(text: str = TREE) -> Route:
    yaml = YamlText(text, "r.yml")
    assert yaml.root is not None
    route = read_routes(yaml, yaml.root)
    assert not yaml.problems
    return route


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ({"severity": "critical"}, ["pager"]),
        ({"severity": "critical", "team": "db"}, ["pager"]),
        ({"severity": "critical", "escalation": "manager"}, ["manager"]),
        ({"team": "db"}, ["team", "database"]),
        ({"team": "web"}, ["team", "default"]),
        ({"team": "web", "alertname": "Quiet"}, ["team"]),
        ({"alertname": "Quiet"}, ["default"]),
    ],
)
def test_an_alert_ends_in_the_routes_that_alertmanager_says(labels: dict[str, str], receivers: list[str]) -> None:
    assert [route.receiver for route in tree().reached(labels)] == receivers


def test_the_mistakes_of_the_guides_own_configuration_are_found() -> None:
    """With the place of each; the last would make every notification by mail fail."""
    _, problems, remarks = read_config(GUIDE, "a.yml")
    assert [f"{p.place.line}:{p.place.column} {p.text}" for p in problems] == [
        "19:9 email_configs has no subject",
        "20:9 email_configs has no body",
        "24:18 templates of Alertmanager have no .Value: the notification would fail",
        "31:9 email_configs has no subject",
    ]
    assert [problem.place.line for problem in remarks] == [6, 36]
    assert "a password" not in str(remarks)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("receivers: []\nroute: {receiver: x}", "2:19 the route names the receiver 'x', which is not there"),
        ("receivers: [{name: x}]\nroute: {}", "2:8 the first route names no receiver"),
        (
            "receivers: [{name: x}]\nroute: {receiver: x, matchers: [a = b]}",
            "2:8 the first route has matchers, but every alert has to enter it",
        ),
        (
            "receivers: [{name: x}]\nroute: {receiver: x, routes: [{matchers: ['a ~ b']}]}",
            "2:43 'a ~ b' is not a matcher: write it like severity = critical or team =~ \"db|web\"",
        ),
        (
            "receivers: [{name: x, slack_configs: [{text: 'is {{ $value }}'}]}]\nroute: {receiver: x}",
            "1:50 $value is for the templates of rules, and not there in those of Alertmanager",
        ),
        ("receivers: []\nrout: {}", "1:1 the file has no route"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, problem: str) -> None:
    found = [f"{p.place.line}:{p.place.column} {p.text}" for p in read_config(text, "a.yml")[1]]
    assert problem in found


def test_templates_that_work_are_left_alone() -> None:
    text = '{{ range .Alerts.Firing }}{{ .Labels.service }} {{ .Annotations.summary }} {{ toUpper "a.B" }}{{ end }}'
    config = f"receivers: [{{name: x, slack_configs: [{{text: '{text}'}}]}}]\nroute: {{receiver: x}}"
    assert read_config(config, "a.yml")[1] == []


RULES = """
groups:
  - name: g
    rules:
      - {alert: A, expr: 'sum by (service) (x) > 1', labels: {severity: critical}}
      - {alert: B, expr: 'sum by (team) (x) > 1', labels: {severity: "{{ $labels.team }}"}}
"""


def remarks(routes: str, rules: str = RULES, ladders: str = "ladders: []") -> list[str]:
    config, problems, _ = read_config(f"receivers: [{{name: x}}, {{name: y}}]\nroute:\n{routes}", "a.yml")
    groups, more = compile_rules(rules, "r.yml")
    steps, others = read_ladders(ladders, "e.yml")
    assert not (problems or more or others)
    return [problem.text for problem in (*unreached(config, groups, steps), *unrouted(config, steps))]


@pytest.mark.parametrize(
    ("route", "is_reached"),
    [
        ("['severity = critical']", True),
        ("['severity = low']", True),  # B may have it
        ("['alertname = A', 'severity = low']", False),
        ("['team = db']", True),
        ("['alertname = A', 'team = db']", False),  # sum by (service) drops it
        ("['service = shop']", True),
        ("['room = 3']", False),
        ("['escalation = boss']", False),
    ],
)
def test_a_route_that_no_alert_of_the_rules_reaches_is_told(route: str, is_reached: bool) -> None:
    found = remarks(f"  receiver: x\n  routes: [{{receiver: y, matchers: {route}}}]\n")
    assert (found == []) is is_reached
    assert is_reached or "no alert of the rules reaches the route" in found[0]


def test_a_route_behind_one_that_takes_all_is_told() -> None:
    routes = "  receiver: x\n  routes:\n    - {receiver: y}\n    - {receiver: x, matchers: [severity = critical]}\n"
    assert remarks(routes) == ["no alert of the rules reaches the route {severity=\"critical\"} to 'x'"]
    assert remarks(routes.replace("{receiver: y}", "{receiver: y, continue: true}")) == []


def test_a_receiver_without_a_route_and_a_step_without_one_are_told() -> None:
    ladders = "ladders: [{match: [severity = critical], steps: [{name: a, after: 0s}, {name: boss, after: 5m}]}]"
    assert remarks("  receiver: x\n", ladders=ladders) == [
        "nobody is told by the receiver 'y': no route names it",
        "no route of Alertmanager is for the step 'boss': it tells those who know already",
    ]
    assert remarks("  receiver: x\n  routes: [{receiver: y, matchers: [escalation = boss]}]\n", ladders=ladders) == []
