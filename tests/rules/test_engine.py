"""Rules are evaluated at their intervals, alerts go through their states, and nothing is lost over a restart."""

from collections.abc import Mapping

import msgspec
import pytest

from schemas.alert import Alert
from streams.promql import Labels, MemoryStorage
from streams.rules import RuleEngine, compile_rules

SECOND = 1000
MINUTE = 60 * SECOND


def engine(rules: str, group: str = "", **options: object) -> RuleEngine:
    """An engine with one group of rules, evaluated every 10 seconds unless it says otherwise."""
    indented = "".join(f"    {line}\n" for line in rules.strip().splitlines())
    text = f"groups:\n  - name: g\n    {group}\n    rules:\n{indented}"
    groups, problems = compile_rules(text, "r.yml")
    assert problems == []
    return RuleEngine(groups, "acme", default_interval_ms=10 * SECOND, **options)  # type: ignore[arg-type]


class World:
    """Series whose values a test sets as time goes by."""

    def __init__(self, rules: RuleEngine) -> None:
        self.storage = MemoryStorage()
        self.engine = rules

    def at(self, seconds: float, values: Mapping[str, float]) -> list[tuple[str, str]]:
        """Sets ``up`` of each job at that time; gives (job, state) of every transition."""
        return [(alert.labels.get("job", ""), alert.state) for alert in self.alerts(seconds, values)]

    def alerts(self, seconds: float, values: Mapping[str, float]) -> list[Alert]:
        """As ``at``, the alerts whole."""
        for job, value in values.items():
            self.storage.series(Labels(__name__="up", job=job)).append(int(seconds * SECOND), value)
        return self.engine.evaluate(int(seconds * SECOND), self.storage)


DOWN = """
- alert: Down
  expr: up == 0
  for: 30s
  labels: {severity: "{{ if eq $labels.job \\"db\\" }}critical{{ else }}low{{ end }}"}
  annotations: {summary: "{{ $labels.job }} gave {{ $value }}"}
"""


def test_an_alert_is_pending_then_firing_then_resolved() -> None:
    world = World(engine(DOWN))
    assert world.at(0, {"api": 1}) == []
    assert world.at(10, {"api": 0}) == [("api", "pending")]
    assert world.at(30, {"api": 0}) == []
    assert world.at(40, {"api": 0}) == [("api", "firing")]
    assert world.at(50, {"api": 0}) == []
    assert world.at(60, {"api": 1}) == [("api", "resolved")]
    assert world.at(70, {"api": 1}) == []


def test_a_pending_alert_whose_condition_ends_never_fires() -> None:
    world = World(engine(DOWN))
    assert world.at(0, {"api": 0}) == [("api", "pending")]
    assert world.at(20, {"api": 1}) == [("api", "inactive")]
    assert world.at(30, {"api": 0}) == [("api", "pending")]
    assert world.at(50, {"api": 0}) == []
    assert world.at(60, {"api": 0}) == [("api", "firing")]


def test_an_alert_without_for_fires_at_once() -> None:
    world = World(engine("- {alert: Down, expr: up == 0}"))
    assert world.at(0, {"api": 0}) == [("api", "firing")]


def test_an_alert_says_who_it_is_and_when_and_why() -> None:
    world = World(engine(DOWN, group="labels: {team: 'sre-{{ $labels.job }}', severity: none}"))
    (pending,) = world.alerts(10, {"db": 0})
    assert pending.labels == {"alertname": "Down", "job": "db", "severity": "critical", "team": "sre-db"}
    assert pending.annotations == {"summary": "db gave 0"}
    assert (pending.tenant, pending.rule, pending.group) == ("acme", "Down", "r.yml;g")
    assert (pending.value, pending.expression, pending.reason) == (0.0, "up == 0", "condition_true")
    (firing,) = world.alerts(40, {"db": 0})
    assert (firing.active_at_ms, firing.changed_at_ms, firing.reason) == (10 * SECOND, 40 * SECOND, "held_for")
    (resolved,) = world.alerts(50, {"db": 1})
    assert (resolved.active_at_ms, resolved.changed_at_ms, resolved.reason) == (10_000, 50_000, "condition_false")


def test_each_label_set_is_an_alert_of_its_own() -> None:
    world = World(engine(DOWN))
    assert sorted(world.at(0, {"api": 0, "db": 0})) == [("api", "pending"), ("db", "pending")]
    assert sorted(world.at(30, {"api": 0, "db": 1})) == [("api", "firing"), ("db", "inactive")]


def test_a_rule_without_series_rests_until_there_are_some() -> None:
    """One that speaks of their absence does not."""
    world = World(engine(DOWN + "\n- alert: Gone\n  expr: absent(up)\n"))
    assert world.at(0, {}) == [("", "firing")]
    assert world.at(10, {"api": 0}) == [("api", "pending"), ("", "resolved")]
    world.storage.drop(Labels(__name__="up", job="api"))
    assert world.at(20, {}) == [("api", "inactive"), ("", "firing")]


def test_keep_firing_for_outlasts_a_short_recovery() -> None:
    world = World(engine("- {alert: Down, expr: up == 0, keep_firing_for: 30s}"))
    assert world.at(0, {"api": 0}) == [("api", "firing")]
    assert world.at(10, {"api": 1}) == []
    assert world.at(20, {"api": 0}) == []
    assert world.at(30, {"api": 1}) == []
    assert world.at(50, {"api": 1}) == []
    assert world.at(60, {"api": 1}) == [("api", "resolved")]


def test_a_group_is_evaluated_at_the_multiples_of_its_interval() -> None:
    world = World(engine("- {alert: Down, expr: up == 0}", group="interval: 1m"))
    assert world.at(59, {"api": 0}) == [], "evaluated for minute 0, before the sample"
    assert world.at(119, {"api": 0}) == [("api", "firing")], "evaluated for minute 1"
    assert world.at(119.5, {"api": 1}) == []
    (resolved,) = world.alerts(125, {"api": 1})
    assert resolved.changed_at_ms == 120 * SECOND


def test_query_offset_looks_at_the_past() -> None:
    world = World(engine("- {alert: Down, expr: up == 0}", group="query_offset: 30s"))
    assert world.at(0, {"api": 0}) == []
    assert world.at(20, {"api": 1}) == []
    assert world.at(30, {"api": 1}) == [("api", "firing")]
    assert world.at(50, {"api": 1}) == [("api", "resolved")]


def test_a_restart_loses_no_alert_and_restarts_no_timer() -> None:
    world = World(engine(DOWN))
    world.at(0, {"api": 0, "db": 1})
    world.at(30, {"api": 0, "db": 0})
    kept = msgspec.msgpack.encode(world.engine.snapshot())
    again = World(engine(DOWN))
    again.storage = world.storage
    again.engine.restore(msgspec.msgpack.decode(kept))
    assert {(alert.labels["job"], alert.state) for alert in again.engine.active()} == {
        ("api", "firing"),
        ("db", "pending"),
    }
    assert again.at(30, {}) == [], "that time has been evaluated"
    assert again.at(50, {"api": 0, "db": 0}) == []
    assert again.at(60, {"api": 1, "db": 0}) == [("api", "resolved"), ("db", "firing")]


def test_a_snapshot_is_not_changed_by_later_evaluations() -> None:
    world = World(engine(DOWN))
    world.at(0, {"api": 0})
    before = world.engine.snapshot()
    encoded = msgspec.json.encode(before)
    world.at(30, {"api": 0})
    assert msgspec.json.encode(before) == encoded


def test_rules_of_the_same_name_keep_their_alerts_apart_over_a_restart() -> None:
    rules = """
- {alert: Down, expr: up == 0, labels: {severity: low}}
- {alert: Down, expr: up == 0, for: 1m, labels: {severity: high}}
"""
    world = World(engine(rules))
    world.at(0, {"api": 0})
    again = engine(rules)
    again.restore(world.engine.snapshot())
    states = {(alert.labels["severity"], alert.state) for alert in again.active()}
    assert states == {("low", "firing"), ("high", "pending")}


def test_a_rule_sees_what_recording_rules_before_it_gave() -> None:
    world = World(
        engine(
            "- {record: 'job:up:min', expr: min(up), labels: {a: b}}\n- {alert: Any, expr: 'job:up:min{a=\"b\"} == 0'}"
        )
    )
    assert world.at(0, {"api": 1, "db": 1}) == []
    (firing,) = world.alerts(10, {"db": 0})
    assert firing.labels == {"alertname": "Any", "a": "b"}


def test_the_labels_of_a_recording_rule_are_no_templates_and_win_over_those_of_the_group() -> None:
    group = "labels: {a: group, b: '{{ 1 }}'}"
    world = World(engine("- {record: copy, expr: min(up), labels: {a: rule}}", group=group))
    world.at(0, {"api": 1})
    assert [dict(series.labels) for series in world.engine.recorded] == [
        {"__name__": "copy", "a": "rule", "b": "{{ 1 }}"}
    ]


def test_a_recorded_series_ends_when_the_rule_no_longer_gives_it() -> None:
    world = World(engine("- {record: down, expr: up == 0}\n- {alert: Any, expr: down}"))
    assert world.at(0, {"api": 0}) == [("api", "firing")]
    assert world.at(10, {"api": 1}) == [("api", "resolved")]


def test_recorded_history_survives_a_restart() -> None:
    rules = "- {record: copy, expr: up}\n- {alert: Seen, expr: 'count_over_time(copy[1m]) >= 3'}"
    world = World(engine(rules))
    world.at(0, {"api": 1})
    world.at(10, {"api": 1})
    again = World(engine(rules))
    again.storage = world.storage
    again.engine.restore(world.engine.snapshot())
    assert again.at(20, {"api": 1}) == [("api", "firing")]


def test_alerts_are_series_that_rules_can_read() -> None:
    world = World(engine(DOWN + '- {alert: Firing, expr: \'ALERTS{alertname="Down", alertstate="firing"}\'}'))
    world.at(0, {"api": 0})
    assert ("api", "firing") in world.at(30, {"api": 0})
    assert sorted(alert.rule for alert in world.engine.active()) == ["Down", "Firing"]
    world.at(40, {"api": 1})
    assert [alert.rule for alert in world.engine.active()] == []


def test_the_series_of_rules_are_kept_no_longer_than_rules_can_reach() -> None:
    world = World(engine("- {record: copy, expr: up}\n- {alert: A, expr: 'max_over_time(copy[20m]) < 0'}"))
    for second in range(0, 3600, 10):
        world.at(second, {"api": 1})
    (copy,) = (series for series in world.engine.recorded if series.labels["__name__"] == "copy")
    assert len(copy.timestamps) <= 20 * 6
    world.engine.evaluate(10 * 3600 * SECOND, MemoryStorage())
    world.engine.evaluate(11 * 3600 * SECOND, MemoryStorage())
    assert list(world.engine.recorded) == []


def test_a_rule_that_fails_does_not_stop_the_others_and_keeps_its_alerts() -> None:
    world = World(engine("- {alert: Broken, expr: up * on() up == 0}\n- {alert: Down, expr: up == 0}"))
    assert world.at(0, {"api": 0}) == [("", "firing"), ("api", "firing")]
    assert world.engine.errors == {}
    assert world.at(10, {"api": 0, "db": 0}) == [("db", "firing")]
    assert list(world.engine.errors) == ["r.yml;g/Broken"]
    assert "found duplicate series" in world.engine.errors["r.yml;g/Broken"]
    assert world.engine.failures == 1
    assert {alert.rule for alert in world.engine.active()} == {"Broken", "Down"}


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("- {alert: A, expr: up == 0, labels: {job: same}}", "same labelset after applying alert labels"),
        ("- {record: a, expr: up == 0, labels: {job: same}}", "same labelset after applying rule labels"),
    ],
)
def test_results_that_become_the_same_are_an_error(rule: str, reason: str) -> None:
    world = World(engine(rule))
    assert world.at(0, {"api": 0, "db": 0}) == []
    assert reason in next(iter(world.engine.errors.values()))


def test_more_alerts_than_the_limit_are_an_error_and_none_stays_active() -> None:
    world = World(engine("- {alert: Down, expr: up == 0}", group="limit: 1"))
    assert world.at(0, {"api": 0}) == [("api", "firing")]
    assert world.at(10, {"db": 0}) == []
    assert world.engine.errors == {"r.yml;g/Down": "exceeded limit of 1 with 2 alerts"}
    assert world.engine.active() == []


def test_references_say_what_rules_reach_back_to() -> None:
    rules = engine("- {alert: A, expr: 'rate(x_total[10m]) > 0'}\n- {alert: B, expr: y}", group="query_offset: 1m")
    found = {matchers[0].value: reach for matchers, reach in rules.references()}
    assert found == {"x_total": 11 * MINUTE, "y": 6 * MINUTE}


def test_an_annotation_that_cannot_be_expanded_says_so_and_the_alert_fires_all_the_same() -> None:
    world = World(engine('- {alert: A, expr: up == 0, annotations: {a: "{{ query \\"missing\\" | first | value }}"}}'))
    (alert,) = world.alerts(0, {"api": 0})
    assert alert.annotations["a"].startswith("<error expanding template: first() called on a vector with no elements")
