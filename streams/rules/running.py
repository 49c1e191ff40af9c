"""One rule at work: evaluate the expression, render labels and annotations, step the alerts or record the series."""

from collections.abc import Mapping
from typing import Any

import msgspec

from schemas.alert import Alert, AlertReason
from schemas.failures import Rejected
from schemas.rules import Group
from streams.promql import Labels, Resolver, Sample, Vector, compile_expression
from streams.promql.values import NAME, NO_LABELS
from streams.rules.alerts import Active, AlertStates, Seen, Transition
from streams.rules.compiled import CompiledRule
from streams.rules.recorded import Recorded
from streams.rules.templates import TemplateData

_NAME_ONLY = frozenset({NAME})


class Outside(msgspec.Struct, frozen=True):
    """What templates can see of the world."""

    url: str
    labels: Mapping[str, str]


class Surroundings(msgspec.Struct, frozen=True):
    """What a rule is evaluated in."""

    resolver: Resolver
    recorded: Recorded
    outside: Outside


class RunningRule:
    """A rule and the state of its alerts. ``key``: ``file;group/rule``."""

    def __init__(self, compiled: CompiledRule, group: Group) -> None:
        self.key = f"{group.key}/{compiled.key}"
        self._compiled = compiled
        self._rule = compiled.rule
        self._group = group
        self._seen_version: object = None
        self._blind = False
        self.states = AlertStates(compiled.rule.for_ms, compiled.rule.keep_firing_for_ms, group.limit)

    def evaluate(self, surroundings: Surroundings, at_ms: int) -> list[Transition]:
        """The transitions of the rule's alerts. Raises Rejected when the rule cannot be evaluated."""
        if self._rests(surroundings):
            return []
        query_ms = at_ms - self._group.query_offset_ms
        vector = evaluate_vector(self._compiled, surroundings.resolver, query_ms)
        if not self._rule.is_alert:
            surroundings.recorded.write(self.key, self._recorded(vector), query_ms)
            return []
        transitions = self.states.step(self._seen(vector, surroundings, at_ms), at_ms)
        surroundings.recorded.write(self.key, self._alert_series(), query_ms)
        return transitions

    def _rests(self, surroundings: Surroundings) -> bool:
        """Whether there is nothing that it reads, and nothing of its own that would have to end."""
        expression, version = self._compiled.expression, surroundings.resolver.version
        if not expression.needs_series or version is None or self.states or surroundings.recorded.has(self.key):
            return False
        if version != self._seen_version:
            self._seen_version = version
            self._blind = not any(surroundings.resolver.select(tuple(found)) for found, _ in expression.selectors())
        return self._blind

    def alert(self, active: Active, reason: AlertReason, tenant: str) -> Alert:
        """An alert of this rule as it leaves the engine."""
        return Alert(
            tenant=tenant,
            rule=self._rule.name,
            group=self._group.key,
            labels=dict(active.labels),
            annotations=dict(active.annotations),
            state=active.state,
            reason=reason,
            value=active.value,
            active_at_ms=active.active_at_ms,
            changed_at_ms=active.changed_at_ms,
            expression=self._rule.expression.text,
        )

    def _recorded(self, vector: Vector) -> dict[Labels, float]:
        changes = [(NAME, self._rule.name), *self._compiled.literal_labels.items()]
        results: dict[Labels, float] = {}
        for sample in vector:
            labels = sample.labels.changed(changes)
            if labels in results:
                raise Rejected("vector contains metrics with the same labelset after applying rule labels")
            results[labels] = sample.value
        if self._group.limit and len(results) > self._group.limit:
            raise Rejected(f"exceeded limit of {self._group.limit} with {len(results)} series")
        return results

    def _seen(self, vector: Vector, surroundings: Surroundings, at_ms: int) -> dict[Labels, Seen]:
        seen: dict[Labels, Seen] = {}
        for sample in vector:
            data = self._template_data(sample, surroundings, at_ms)
            rendered = [(name, _rendered(each, data)) for name, each in self._compiled.labels.items()]
            labels = sample.labels.drop(_NAME_ONLY).changed([*rendered, ("alertname", self._rule.name)])
            if labels in seen:
                raise Rejected("vector contains metrics with the same labelset after applying alert labels")
            annotations = {name: _rendered(each, data) for name, each in self._compiled.annotations.items()}
            seen[labels] = Seen(annotations, sample.value)
        return seen

    def _template_data(self, sample: Sample, surroundings: Surroundings, at_ms: int) -> TemplateData:
        def query(text: str) -> list[dict[str, Any]]:
            value = compile_expression(text).evaluate(surroundings.resolver, at_ms)
            return [{"Labels": dict(each.labels), "Value": each.value} for each in as_vector(value)]

        outside = surroundings.outside
        return TemplateData(sample.labels, sample.value, outside.url, at_ms, query, outside.labels)

    def _alert_series(self) -> dict[Labels, float]:
        series: dict[Labels, float] = {}
        for active in self.states:
            labels = Labels(active.labels)
            series[labels.changed([(NAME, "ALERTS"), ("alertstate", active.state)])] = 1.0
            series[labels.changed([(NAME, "ALERTS_FOR_STATE")])] = active.active_at_ms // 1000 * 1.0
        return series


def evaluate_vector(compiled: CompiledRule, resolver: Resolver, at_ms: int) -> Vector:
    """The result of a rule's expression; a number counts as one element without labels."""
    return as_vector(compiled.expression.evaluate(resolver, at_ms))


def as_vector(value: Any) -> Vector:
    """A vector as it is, a number as one element without labels. Raises Rejected for anything else."""
    if isinstance(value, float):
        return [Sample(NO_LABELS, value)]
    if isinstance(value, list):
        return value
    raise Rejected("the expression gives neither a vector nor a number")


def _rendered(template: Any, data: TemplateData) -> str:
    try:
        return str(template.render(data))
    except Rejected as error:
        return f"<error expanding template: {error}>"
