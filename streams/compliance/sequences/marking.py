"""Finds out of which sequences an event is a step, and what stands for those whom it is about."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from operator import attrgetter
from typing import NamedTuple

from schemas.events import Processing, ProcessingEvent, Security, SecurityEvent
from streams.batch import RecordBatch
from streams.compliance.attributes import LONGEST, Attribute, word
from streams.compliance.sequences.marks import About, Mark, Marks
from streams.compliance.sequences.policy import SequencePolicy
from streams.compliance.vocabulary import FIELDS, EventType, Fact, Facts, RawFacts, Vocabulary, field_of
from streams.privacy.protection import Protection

_EVENTS = 65_536
"""How many distinct facts are remembered."""

_ALWAYS_TAKEN = frozenset({"kind", "outcome", "operation", "purpose"})
"""What other variables are derived from; and two fields of each type, without which attrgetter gives no tuple."""

_TELLING: dict[EventType, str] = {"security": "kind", "processing": "operation"}
"""The field by which most events are seen to be no step of anything."""

_PLACE = attrgetter("offset", "policy", "steps")

_RECORD_BYTES = 400_000
"""Of marks in one record: a broker takes 1 MB."""
_MARK_BYTES = 100
"""Of a mark, without its texts."""


class Role(NamedTuple):
    """What an event is in the sequences of one policy, as far as they have one key."""

    policy: int
    steps: tuple[int, ...]
    by: tuple[str, ...]
    completing: bool
    """Whether a violation can be about it."""

    def values(self, data: Security | Processing) -> list[str]:
        """What an event says in the fields of the key; empty where it says nothing."""
        return [
            data.attributes.get(name.removeprefix("attributes."), "")
            if name.startswith("attributes.")
            else getattr(data, name)
            for name in self.by
        ]


class Part(NamedTuple):
    """What an event is in the sequences of one policy, for people."""

    policy: SequencePolicy
    steps: tuple[int, ...]
    """None when it is none, or does not say what the key is made of."""
    facts: Mapping[str, Fact | None]


class Marker:
    """The steps of some policies. Like a :class:`streams.compliance.judging.Judge`, it remembers equal facts."""

    def __init__(self, policies: Sequence[SequencePolicy], attributes: Mapping[str, Attribute]) -> None:
        self.policies = tuple(policies)
        self._steps = [
            (number, at, step) for number, policy in enumerate(policies) for at, step in enumerate(policy.steps)
        ]
        read = {field_of(name) for _, _, step in self._steps if step.when for name in step.when.reads}
        named = {name.removeprefix("attributes.") for name in read}
        fields = {name for listed in FIELDS.values() for name in listed} - _ALWAYS_TAKEN
        self._vocabulary = Vocabulary(attributes, frozenset((fields | attributes.keys()) - named))
        self._remembered = lru_cache(_EVENTS)(self._roles)
        self._may_be: Callable[[EventType, str], bool] = lru_cache(_EVENTS)(self._is_possible)

    def __call__(self, event: SecurityEvent | ProcessingEvent) -> Sequence[Role]:
        """What an event is in any sequence; nothing for most events."""
        if isinstance(event, SecurityEvent):
            possible = self._may_be("security", event.data.kind)
        else:
            possible = self._may_be("processing", event.data.operation)
        return self._remembered(self._vocabulary.raw(event)) if possible else ()

    def explain(self, event: SecurityEvent | ProcessingEvent) -> list["Part"]:
        """What an event is in each policy, and what that looked at."""
        raw = self._vocabulary.raw(event)
        facts = self._vocabulary.facts(raw)
        found: dict[int, list[int]] = {}
        for role in self._roles(raw):
            if all(role.values(event.data)):
                found.setdefault(role.policy, []).extend(role.steps)
        return [
            Part(policy, tuple(sorted(found.get(number, ()))), {name: facts.get(name) for name in policy.reads})
            for number, policy in enumerate(self.policies)
        ]

    def _is_possible(self, kind: EventType, says: str) -> bool:
        """Whether an event may be a step, of which one field alone is known: an undecided condition may be true."""
        facts: Facts = {_TELLING[kind]: word(says[:LONGEST]) if kind == "processing" else says}
        return any(
            step.event == kind and (step.when is None or step.when(facts) is not False) for _, _, step in self._steps
        )

    def _roles(self, raw: RawFacts) -> tuple[Role, ...]:
        facts = self._vocabulary.facts(raw)
        found: dict[tuple[int, tuple[str, ...]], list[int]] = {}
        for number, at, step in self._steps:
            if step.event == raw[0] and (step.when is None or step.when(facts)):
                found.setdefault((number, step.by), []).append(at)
        return tuple(
            Role(number, tuple(steps), by, self.policies[number].completing in steps)
            for (number, by), steps in found.items()
        )


class MarkedEvents:
    """The marks of one batch."""

    def __init__(self, marker: Marker, protect: Protection) -> None:
        self._marker = marker
        self._protect = protect
        self._marks: dict[str, list[Mark]] = {}
        self._keys: dict[tuple[str, ...], bytes] = {}

    def __bool__(self) -> bool:
        return bool(self._marks)

    def roles(self, event: SecurityEvent | ProcessingEvent) -> Sequence[Role]:
        """What an event is in any sequence; nothing for most events."""
        return self._marker(event)

    def add(
        self,
        roles: Sequence[Role],
        event: SecurityEvent | ProcessingEvent,
        event_id: str,
        time_ms: int,
        offset: int,
        value: bytes,
    ) -> None:
        """An event with its :meth:`roles`. ``value``: of its record."""
        kind, data = "security" if isinstance(event, SecurityEvent) else "processing", event.data
        needs_witness = any(role.completing for role in roles)
        about = About(data.service, kind, event_id, sha256(value).digest()) if needs_witness else None
        for role in roles:
            self.put(role, data.tenant, role.values(data), time_ms, offset, about if role.completing else None)

    def put(
        self, role: Role, tenant: str, values: Sequence[str], time_ms: int, offset: int, about: About | None
    ) -> None:
        """What an event is; it takes no part when it does not say all ``values`` of the key."""
        if not all(values):
            return
        said = (tenant, *values)
        key = self._keys.get(said)
        if key is None:
            key = self._keys[said] = self._protect.key(tenant, values)
        self._marks.setdefault(tenant, []).append(Mark(role.policy, key, time_ms, role.steps, offset, about))

    def records(self, batch: RecordBatch, incarnation: str) -> list[Marks]:
        """For each tenant as many records as its marks need: the same ones whenever the batch is folded."""
        policies = [(policy.id, policy.form) for policy in self._marker.policies]
        return [
            Marks(
                tenant=tenant,
                source=batch.partition,
                incarnation=incarnation,
                first=int(batch.offsets[0]),
                last=int(batch.offsets[-1]),
                part=-1 - number,
                policies=policies,
                marks=part,
            )
            for tenant, marks in self._marks.items()
            for number, part in enumerate(_cut(sorted(marks, key=_PLACE)))
        ]


def _cut(marks: Sequence[Mark]) -> list[list[Mark]]:
    """Parts that a broker takes, in the order of the marks."""
    parts: dict[int, list[Mark]] = {}
    size = 0
    for mark in marks:
        size += _MARK_BYTES + (len(mark.about.event_id) + len(mark.about.service) if mark.about else 0)
        parts.setdefault(size // _RECORD_BYTES, []).append(mark)
    return list(parts.values())
