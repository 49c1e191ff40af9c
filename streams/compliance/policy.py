"""What a policy is: whom it concerns, what it requires, and which controls it speaks for."""

import re
from collections.abc import Mapping

import msgspec

from schemas.events import ProcessingEvent, SecurityEvent
from schemas.policy import Framework, Severity, VerdictKind
from schemas.yamltext import Place
from streams.compliance.expressions import Expression
from streams.compliance.vocabulary import EventType, Fact, Facts, field_of

Judged = tuple[VerdictKind, str]
"""A verdict and its reason; the reason of ``compliant`` is empty."""

PLACEHOLDER = re.compile(r"\{([\w.]+)\}")
"""In a reason: the value of a variable."""


class InlineTest(msgspec.Struct, frozen=True):
    """An event in a policy's file, and the verdict that it must get; None: it does not concern the policy."""

    expected: VerdictKind | None
    event: SecurityEvent | ProcessingEvent
    place: Place


class Conditions(msgspec.Struct, frozen=True):
    """The conditions of a policy, compiled for one event type."""

    when: Expression | None
    """Whether an event concerns the policy; None: every event of the type does."""
    require: Expression


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """What all policies have, each from one file."""

    id: str
    title: str
    frameworks: Mapping[Framework, tuple[str, ...]]
    """Framework -> the controls that the policy speaks for."""
    severity: Severity
    reason: str
    """Why it is not compliant."""
    remediation: str
    owner: str
    source: str
    """What the law or standard asks for, in our own words."""
    digest: str
    """SHA-256 of the file, hexadecimal: which version it is."""
    file: str

    @property
    def controls(self) -> list[str]:
        """``gdpr art-6``, in the order of the file."""
        return [f"{framework} {control}" for framework, listed in self.frameworks.items() for control in listed]


class Policy(Duty, frozen=True, kw_only=True):
    """A duty that a single event witnesses. In its reason ``{variable}`` stands for the value of a number or a flag."""

    conditions: Mapping[EventType, Conditions]
    """For each event type that it applies to."""
    tests: tuple[InlineTest, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """Every variable that a verdict may depend on."""
        conditions = [each for pair in self.conditions.values() for each in (pair.when, pair.require) if each]
        found = [name for condition in conditions for name in condition.reads]
        return tuple(dict.fromkeys([*found, *PLACEHOLDER.findall(self.reason)]))

    def judge(self, event: EventType, facts: Facts) -> Judged | None:
        """The verdict about the facts of an event; None when it does not concern this policy."""
        conditions = self.conditions.get(event)
        if conditions is None:
            return None
        concerns = True if conditions.when is None else conditions.when(facts)
        if concerns is False:
            return None
        if concerns is None:
            assert conditions.when is not None
            return "not_evaluated", _missing(conditions.when, facts)
        return self._require(conditions.require, facts)

    def _require(self, condition: Expression, facts: Facts) -> Judged:
        """Saying nothing may be a violation, where a condition asks with ``stated.x``; it is never compliance."""
        without: dict[str, Fact] = {n: v for n, v in facts.items() if v is not False or not n.startswith("stated.")}
        if condition(without):
            return "compliant", ""
        if condition(facts) is False:
            return "non_compliant", self._why(facts)
        return "not_evaluated", _missing(condition, without)

    def _why(self, facts: Facts) -> str:
        return PLACEHOLDER.sub(lambda name: str(facts.get(name[1], "unstated")).lower(), self.reason)


def _missing(condition: Expression, facts: Facts) -> str:
    missing = dict.fromkeys(field_of(name) for name in condition.reads if name not in facts)
    if not missing:
        return "the condition cannot be computed for what is stated"
    return f"not stated in a form that policies know: {', '.join(missing)}"
