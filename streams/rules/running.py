"""One rule at work: evaluate the expression, render labels and annotations, step the alerts or record the series."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from schemas.alert import Alert, AlertReason
from schemas.failures import Rejected
from schemas.rules import Group
from streams.promql import Labels, Resolver, Sample, Vector, compile_expression
from streams.promql.moment import Memory, Validity
from streams.promql.values import NAME, NO_LABELS
from streams.rules.alerts import Active, AlertStates, Seen, Transition
from streams.rules.compiled import CompiledRule
from streams.rules.recorded import Recorded
from streams.rules.templates import TemplateData

_NAME_ONLY = frozenset({NAME})
_AROUND = re.compile(r"\b(?:query|now)\b")


class Outside(msgspec.Struct, frozen=True):
    """What templates can see of the world."""

    url: str
    labels: Mapping[str, str]


class Surroundings(msgspec.Struct, frozen=True):
    """What a rule is evaluated in. ``memory``: None when nothing that is found may be used later."""

    resolver: Resolver
    recorded: Recorded
    outside: Outside
    memory: Memory | None = None


class Found(NamedTuple):
    """What an evaluation gave, and how long it certainly gives the same, in the time of the query."""

    seen: dict[Labels, Seen]
    """Of an alert rule."""
    written: dict[Labels, float]
    """Of a recording rule."""
    validity: Validity


class RunningRule:
    """A rule and the state of its alerts. ``key``: ``file;group/rule``; ``every_ms``: the interval of its group."""

    def __init__(self, compiled: CompiledRule, group: Group, every_ms: int) -> None:
        self._every_ms = 0 if compiled.rule.is_alert else every_ms
        self.key = f"{group.key}/{compiled.key}"
        self._compiled = compiled
        self._rule = compiled.rule
        self._group = group
        self._found: Found | None = None
        self._shown: dict[Labels, float] = {}
        texts = [template.text for template in (*compiled.labels.values(), *compiled.annotations.values())]
        self._looks_around = any(map(_AROUND.search, texts))
        """Whether its templates may depend on more than the result."""
        self.states = AlertStates(compiled.rule.for_ms, compiled.rule.keep_firing_for_ms, group.limit)
        self.rested = False
        """Whether its last evaluation only went on with what was found before."""

    def evaluate(self, surroundings: Surroundings, at_ms: int) -> list[Transition]:
        """The transitions of the rule's alerts. Raises Rejected when the rule cannot be evaluated."""
        query_ms = at_ms - self._group.query_offset_ms
        found, self._found, self.rested = self._found, None, False
        holds = surroundings.memory is not None and found is not None and found.validity.holds(query_ms)
        if found is None or not holds:
            found = self._evaluated(surroundings, at_ms, query_ms)
        if not self._rule.is_alert:
            surroundings.recorded.write(self.key, found.written, query_ms, at_ms, self._every_ms)
            transitions = []
        else:
            transitions = self._step(found.seen, at_ms, fresh=not holds)
            surroundings.recorded.write(self.key, self._shown, query_ms, at_ms)
        if surroundings.memory is not None:
            self._found = found
        self.rested = holds and not transitions
        return transitions

    def _evaluated(self, surroundings: Surroundings, at_ms: int, query_ms: int) -> Found:
        memory = surroundings.memory if surroundings.memory is not None else {}
        value, validity = self._compiled.expression.follow(surroundings.resolver, query_ms, memory)
        vector = as_vector(value)
        if vector and self._looks_around:
            validity.ends_by(query_ms)
        if self._rule.is_alert:
            return Found(self._seen(vector, surroundings, at_ms), {}, validity)
        return Found({}, self._recorded(vector), validity)

    def _step(self, seen: dict[Labels, Seen], at_ms: int, fresh: bool) -> list[Transition]:
        if not seen and not self.states:
            return []
        transitions = self.states.step(seen, at_ms)
        if transitions or fresh:
            self._shown = self._alert_series()
        return transitions

    def next_ms(self, at_ms: int) -> int:
        """The earliest time after ``at_ms``, its last evaluation, at which it may do something else than then."""
        if self._found is None or not self._found.validity.holds(at_ms - self._group.query_offset_ms):
            return at_ms + 1
        return min(self._found.validity.until_ms + self._group.query_offset_ms, self.states.next_ms())

    @property
    def writes(self) -> bool:
        """Whether it wrote anything at its last evaluation."""
        return bool(self._shown or (self._found is not None and self._found.written))

    def repeat(self, recorded: Recorded, at_ms: int) -> None:
        """Writes at that time what it wrote at its last evaluation."""
        written = self._shown if self._rule.is_alert else self._found.written if self._found is not None else {}
        recorded.write(self.key, written, at_ms - self._group.query_offset_ms, at_ms, self._every_ms)

    def alert(self, active: Active, reason: AlertReason, tenant: str) -> Alert:
        """An alert of this rule as it leaves the engine."""
        return active.told(tenant, self._rule.name, self._group.key, reason, self._rule.expression.text)

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
            value = compile_expression(text).evaluate(surroundings.resolver.once(), at_ms)
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
