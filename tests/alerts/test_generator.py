"""Prometheus' alert generator specification, walked through: what Tidewatch does at each of its points.

What is tested elsewhere: Alertmanager's side (tests/sinks), templates (tests/rules/test_templates.py), and that links
open (tests/api). The two points in which a stream differs are in docs/decisions/0009-alerts-of-a-stream.md.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.alert import Alert
from sinks.alertmanager import payload
from streams.alerts.notifications import Notifications
from streams.api import rules as api
from streams.api.parameters import Parameters
from streams.promql import Labels, MemoryStorage
from streams.rules import RuleEngine, compile_rules

START = 1_750_000_000_000 // 60_000 * 60_000

RULES = """
groups:
  - name: Order
    interval: 30s
    rules:
      - alert: First
        expr: 'm{case="order"} > 10'
        for: 3m
        labels: {foo: bar}
        annotations: {description: "is {{ $value }} {{ .Value }} at {{ $labels.variant }}"}
      - alert: Second
        expr: >
          (ALERTS{alertstate="firing", alertname="First", variant="one"}
          + ignoring (variant) ALERTS{alertstate="firing", alertname="First", variant="two"}) == 2
        labels: {foo: baz}
        annotations: {description: "Old alertname was {{ $labels.alertname }}. foo was {{ .Labels.foo }}."}
  - name: For
    interval: 30s
    rules:
      - {alert: NoFor, expr: 'm{case="for"} > 10', labels: {alertname: mine, alertstate: very, case: own}}
      - {alert: SmallFor, expr: 'm{case="for"} > 10', for: 15s}
      - {alert: Same, expr: 'm{case="same"} > 10', labels: {variant: one}}
"""


class Generator:
    """The rules above over a series that a test sets, every 30 seconds, and what Alertmanager is told."""

    def __init__(self) -> None:
        self.groups, problems = compile_rules(RULES, "r.yml")
        assert problems == []
        self.engine = RuleEngine(self.groups, "default", 1000, "http://tidewatch.example")
        self.storage = MemoryStorage()
        self.notifications = Notifications(60_000)
        self.sent: list[tuple[float, dict[str, Any]]] = []

    def at(self, minute: float, values: Mapping[tuple[str, str], float] | None = None) -> list[Alert]:
        """The transitions of an evaluation, with ``m{case, variant}`` as given."""
        now_ms = START + round(minute * 60_000)
        for (case, variant), value in (values or {}).items():
            self.storage.series(Labels(__name__="m", case=case, variant=variant)).append(now_ms, value)
        transitions = self.engine.evaluate(now_ms, self.storage)
        for each in transitions:
            self.notifications.apply(each, now_ms)
        for each in self.notifications.due(now_ms):
            self.sent.append((minute, payload(each, now_ms, 60, 30, "http://tidewatch.example")))
        return transitions

    def rule(self, name: str) -> dict[str, Any]:
        """As ``GET /api/v1/rules`` tells of it."""
        found = api.groups(self.groups, self.engine, 1000, Parameters({}, ""))["groups"]
        [rule] = [rule for group in found for rule in group["rules"] if rule["name"] == name]
        return dict(rule)


def states(alerts: list[Alert]) -> list[tuple[str, str]]:
    return [(alert.rule, alert.state) for alert in alerts]


ONE, TWO = ("order", "one"), ("order", "two")


def minutes(first: float, last: float) -> list[float]:
    """Every half minute, the last included."""
    return [half / 2 for half in range(round(first * 2), round(last * 2) + 1)]


def test_pending_for_less_than_for_and_firing_from_then_on() -> None:
    """ "Greater than or equal": at 3 minutes exactly, and not half a minute before."""
    world = Generator()
    assert states(world.at(0, {ONE: 11})) == [("First", "pending")]
    assert [states(world.at(minute, {ONE: 11})) for minute in minutes(0.5, 2.5)] == [[]] * 5
    [firing] = world.at(3, {ONE: 11})
    assert (firing.active_at_ms, firing.fired_at_ms) == (START, START + 180_000)


def test_without_for_there_is_no_pending_and_with_a_small_one_it_fires_at_the_next_evaluation() -> None:
    world = Generator()
    assert states(world.at(0, {("for", "x"): 11})) == [("NoFor", "firing"), ("SmallFor", "pending")]
    assert world.at(0.25) == []
    assert states(world.at(0.5, {("for", "x"): 11})) == [("SmallFor", "firing")]


def test_labels_of_the_rule_win_and_alertname_wins_over_them() -> None:
    world = Generator()
    no_for, _ = world.at(0, {("for", "x"): 11})
    assert no_for.labels == {"alertname": "NoFor", "alertstate": "very", "case": "own", "variant": "x"}


def test_annotations_are_always_the_latest() -> None:
    """Templates see the labels and the value of their element."""
    world = Generator()
    [pending] = world.at(0, {ONE: 11})
    assert pending.annotations == {"description": "is 11 11 at one"}
    world.at(0.5, {ONE: 12})
    assert world.rule("First")["alerts"][0]["annotations"] == {"description": "is 12 12 at one"}


def test_rules_of_a_group_are_evaluated_in_order_and_see_what_those_before_them_gave() -> None:
    """In the same evaluation; the labels that ALERTS has are those of the alert, but for its own two."""
    world = Generator()
    for minute in minutes(0, 2.5):
        world.at(minute, {ONE: 11, TWO: 11})
    first = world.at(3, {ONE: 11, TWO: 11})
    assert states(first) == [("First", "firing"), ("First", "firing"), ("Second", "firing")]
    second = first[-1]
    assert second.labels == {"alertname": "Second", "case": "order", "foo": "baz", "alertstate": "firing"}
    assert second.annotations == {"description": "Old alertname was First. foo was bar."}


def test_what_the_evaluation_no_longer_gives_is_over_at_once_and_a_new_alert_later() -> None:
    world = Generator()
    for minute in minutes(0, 3):
        world.at(minute, {ONE: 11})
    assert states(world.at(3.5, {ONE: 9})) == [("First", "resolved")]
    [again] = world.at(4, {ONE: 11})
    assert (again.state, again.active_at_ms, again.fired_at_ms) == ("pending", START + 240_000, 0)


def test_two_alerts_with_the_same_labels_are_an_error_and_none_is_sent() -> None:
    world = Generator()
    assert states(world.at(0, {("same", "one"): 11, ("same", "two"): 11})) == []
    rule = world.rule("Same")
    assert (rule["health"], rule["state"], rule["alerts"]) == ("err", "inactive", [])
    assert "same labelset" in rule["lastError"]


def test_firing_alerts_are_sent_at_once_and_every_resend_delay_and_resolved_ones_for_15_minutes() -> None:
    world = Generator()
    for minute in minutes(0, 30):
        world.at(minute, {ONE: 11 if minute < 6 else 9})
    assert [minute for minute, each in world.sent if each["endsAt"] != at(6)] == [3, 4, 5]
    assert [minute for minute, each in world.sent if each["endsAt"] == at(6)] == [6 + minute for minute in range(16)]


def test_a_resolved_alert_is_no_longer_sent_when_it_is_active_again() -> None:
    """Pending already counts."""
    world = Generator()
    for minute in minutes(0, 8):
        world.at(minute, {ONE: 9 if minute == 4 else 11})
    assert [minute for minute, _ in world.sent] == [3, 4, 7.5]


def test_what_is_sent_has_the_times_and_the_link_of_the_specification() -> None:
    """`startsAt` is when it fired, also once it is over; `endsAt` of a firing one lies four delays ahead."""
    world = Generator()
    for minute in minutes(0, 4):
        world.at(minute, {ONE: 11 if minute < 4 else 9})
    (_, firing), (_, resolved) = world.sent
    assert set(firing) == {"labels", "annotations", "startsAt", "endsAt", "generatorURL"}
    assert firing["labels"] == {
        "alertname": "First",
        "case": "order",
        "variant": "one",
        "foo": "bar",
        "tenant": "default",
    }
    assert firing["startsAt"] == resolved["startsAt"] == at(3)
    assert firing["endsAt"] == at(3 + 4)
    assert resolved["endsAt"] == at(4)
    assert firing["generatorURL"].startswith("http://tidewatch.example/graph?g0.expr=m%7Bcase%3D%22order%22%7D")


def at(minute: float) -> str:
    instant = datetime.fromtimestamp((START + minute * 60_000) / 1000, UTC)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.parametrize(("minute", "state"), [(0, "pending"), (3, "firing"), (3.5, "inactive")])
def test_the_api_tells_states_as_they_are(minute: float, state: str) -> None:
    world = Generator()
    for each in minutes(0, minute):
        world.at(each, {ONE: 9 if each == 3.5 else 11})
    rule = world.rule("First")
    assert (rule["type"], rule["query"], rule["duration"], rule["health"]) == (
        "alerting",
        'm{case="order"} > 10',
        180.0,
        "ok",
    )
    assert rule["labels"] == {"foo": "bar"}
    assert rule["annotations"] == {"description": "is {{ $value }} {{ .Value }} at {{ $labels.variant }}"}
    assert (rule["state"], "lastError" in rule) == (state, False)
    assert rule["lastEvaluation"] == at(minute)
    alerts = api.alerts(world.engine.active())["alerts"]
    assert alerts == rule["alerts"]
    assert [(each["state"], each["activeAt"], each["value"]) for each in alerts] == (
        [] if state == "inactive" else [(state, at(0), "1.1e+01")]
    )
