"""Judges events by a set of policies, and remembers what it said about equal facts."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import lru_cache

import msgspec

from schemas.events import ProcessingEvent, SecurityEvent
from schemas.policy import Verdict
from schemas.yamltext import Problem
from streams.compliance.attributes import SHIPPED, Attribute
from streams.compliance.expressions import Expression, Language
from streams.compliance.policy import PLACEHOLDER, Conditions, Judged, Policy
from streams.compliance.reading import AnyPolicyFile, PolicyFile
from streams.compliance.sequences import compiling
from streams.compliance.sequences.policy import SequencePolicy
from streams.compliance.sequences.reading import SequenceFile
from streams.compliance.vocabulary import FIELDS, STRUCTS, EventType, Fact, Facts, RawFacts, Vocabulary, field_of

Answer = tuple[str, dict[str, object]] | tuple[str, str, dict[str, object]]

Decide = Callable[[Facts], Judged | None]

_EVENTS, _DECISIONS = 65_536, 4_096
"""How many distinct facts are remembered, of events and of each policy."""

_ALWAYS_TAKEN = frozenset({"kind", "outcome", "operation", "purpose"})
"""What other variables are derived from; and two fields of each type, without which attrgetter gives no tuple."""


class Finding(msgspec.Struct, frozen=True):
    """What one policy says about one event."""

    policy: Policy
    verdict: Judged | None
    """None: the event does not concern the policy."""
    facts: Mapping[str, Fact | None]
    """What the policy looks at: variable -> value; None: not stated."""


class Judge:
    """A set of policies. Verdicts depend on what policies read and on nothing else: so they can be remembered."""

    def __init__(
        self,
        policies: Iterable[Policy],
        attributes: Mapping[str, Attribute] = SHIPPED,
        sequences: Iterable[SequencePolicy] = (),
    ) -> None:
        self.policies = tuple(policies)
        self.sequences = tuple(sequences)
        """What several events together are judged by, elsewhere."""
        self.attributes = attributes
        read = {field_of(name) for policy in self.policies for name in policy.reads}
        named = {name.removeprefix("attributes.") for name in read}
        fields = {name for listed in FIELDS.values() for name in listed} - _ALWAYS_TAKEN
        self.vocabulary = Vocabulary(attributes, frozenset((fields | attributes.keys()) - named))
        self._remembered = lru_cache(_EVENTS)(self._judge)
        self._verdict = lru_cache(_EVENTS)(Verdict)
        """Equal ones are one object, by which they are told apart faster."""
        self._decide: dict[EventType, list[tuple[Policy, Decide]]] = {
            kind: [(policy, _remembering(policy, kind)) for policy in self.policies if kind in policy.conditions]
            for kind in STRUCTS
        }

    @property
    def every(self) -> tuple[Policy | SequencePolicy, ...]:
        """All policies, those about sequences too."""
        return (*self.policies, *self.sequences)

    def __call__(self, event: SecurityEvent | ProcessingEvent) -> Sequence[Verdict]:
        """One verdict for each control of each policy that the event concerns."""
        return self._remembered(self.vocabulary.raw(event))

    def facts(self, event: SecurityEvent | ProcessingEvent) -> Hashable:
        """All that the verdicts of an event depend on: those of equal facts are equal."""
        return self.vocabulary.raw(event)

    def _judge(self, raw: RawFacts) -> tuple[Verdict, ...]:
        kind: EventType = raw[0]  # type: ignore[assignment]
        facts = self.vocabulary.facts(raw)
        return tuple(
            self._verdict(policy.id, framework, control, *found, policy.severity, policy.digest)
            for policy, decide in self._decide[kind]
            if (found := decide(facts)) is not None
            for framework, controls in policy.frameworks.items()
            for control in controls
        )

    def explain(self, event: SecurityEvent | ProcessingEvent) -> list[Finding]:
        """What each policy says about an event, and what it looked at."""
        raw = self.vocabulary.raw(event)
        kind: EventType = raw[0]  # type: ignore[assignment]
        facts = self.vocabulary.facts(raw)
        return [
            Finding(policy, policy.judge(kind, facts), {name: facts.get(name) for name in policy.reads})
            for policy in self.policies
        ]

    def check(self, event: SecurityEvent | ProcessingEvent) -> Answer:
        """The verdicts of an event as one answer.

        ``("non_compliant", reason, details)`` when any policy is broken; else ``("not_evaluated", reason, details)``
        when a policy could not be evaluated or none concerns the event; else ``("compliant", {})``. ``details`` lists
        under ``policies`` each policy behind the answer: ``policy, title, controls, severity, reason, remediation``.
        """
        found = [(each.policy, each.verdict) for each in self.explain(event) if each.verdict]
        for kind in ("non_compliant", "not_evaluated"):
            listed = [_detail(policy, reason) for policy, (verdict, reason) in found if verdict == kind]
            if listed:
                return kind, "; ".join(f"{item['policy']}: {item['reason']}" for item in listed), {"policies": listed}
        return ("compliant", {}) if found else ("not_evaluated", "no policy concerns this event", {"policies": []})


def compile_policies(files: Sequence[AnyPolicyFile]) -> tuple[Judge, list[Problem]]:
    """The policies of files, ready to judge; with problems, those that have none."""
    attributes = {**SHIPPED, **{name: kind for file in files for name, kind in file.attributes.items()}}
    vocabulary = Vocabulary(attributes)
    languages = {event: Language(vocabulary.variables(event)) for event in STRUCTS}
    spoken = compiling.languages(vocabulary)
    policies: dict[str, Policy | SequencePolicy] = {}
    problems: list[Problem] = []
    for file in files:
        compiled: Policy | SequencePolicy | None
        if isinstance(file, SequenceFile):
            compiled, found = compiling.compile_sequence(file, spoken, attributes)
        else:
            compiled, found = _compile(file, languages)
        if file.id in policies:
            text = f"the policy {file.id} is in {policies[file.id].file} too"
            found.append(Problem(file.place, text, "give it another id"))
        problems += found
        if compiled is not None and not found:
            policies[file.id] = compiled
    single = [policy for policy in policies.values() if isinstance(policy, Policy)]
    several = [policy for policy in policies.values() if isinstance(policy, SequencePolicy)]
    return Judge(single, attributes, several), sorted(problems)


def _compile(file: PolicyFile, languages: Mapping[EventType, Language]) -> tuple[Policy | None, list[Problem]]:
    conditions, problems = {}, []
    for event in file.events:
        language = languages[event]
        when = language.compile(file.when) if file.when is not None else None
        require = language.compile(file.require)
        problems += [*(when if isinstance(when, list) else ()), *(require if isinstance(require, list) else ())]
        problems += _unquotable(file, language)
        if isinstance(require, Expression) and not isinstance(when, list):
            conditions[event] = Conditions(when, require)
    if problems:
        return None, problems
    return Policy(conditions=conditions, tests=file.tests, **file.duty()), []


def _unquotable(file: PolicyFile, language: Language) -> list[Problem]:
    """A reason is stored and shown: it may hold numbers and flags, and no text of the event."""
    return [
        Problem(
            file.reason.place(1, 1), f"the reason quotes {name}", "quote numbers and flags that the policy reads only"
        )
        for name in PLACEHOLDER.findall(file.reason.text)
        if language.variables.get(name) not in ("int", "bool")
    ]


def _remembering(policy: Policy, event: EventType) -> Decide:
    """The policy's judgement, remembered by what it reads: an unusual event costs only the policies that look there."""
    reads = policy.reads

    @lru_cache(_DECISIONS)
    def decide(values: tuple[Fact | None, ...]) -> Judged | None:
        return policy.judge(event, {name: v for name, v in zip(reads, values, strict=True) if v is not None})

    return lambda facts: decide(tuple(map(facts.get, reads)))


def _detail(policy: Policy, reason: str) -> dict[str, object]:
    return {
        "policy": policy.id,
        "title": policy.title,
        "controls": policy.controls,
        "severity": policy.severity,
        "reason": reason,
        "remediation": policy.remediation,
    }
