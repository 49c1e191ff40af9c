"""What a policy about a sequence of events is."""

import msgspec

from schemas.events import ProcessingEvent, SecurityEvent
from schemas.yamltext import Place
from streams.compliance.expressions import Expression
from streams.compliance.policy import Duty
from streams.compliance.vocabulary import EventType


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of event on the way, or one that must not come."""

    event: EventType
    when: Expression | None
    """Which events of the type; None: all."""
    absent: bool
    times: int
    """How many of them."""
    by: tuple[str, ...]
    """The fields whose values are the key, such as ``actor`` or ``attributes.request_id``."""


class SequenceTest(msgspec.Struct, frozen=True):
    """Events in a policy's file, in the order in which they happen, and which of them are violations."""

    events: tuple[SecurityEvent | ProcessingEvent, ...]
    violating: tuple[int, ...]
    """Of these, from 0."""
    place: Place


class SequencePolicy(Duty, frozen=True, kw_only=True):
    """A duty that several events witness."""

    steps: tuple[Step, ...]
    within_ms: int
    """From the first event of a sequence to its last; 0 when there is only one."""
    deadline_ms: int
    """How long after that an absent last step may take; 0 when the last step is not absent."""
    tests: tuple[SequenceTest, ...]
    form: str
    """Of what decides which events match: state of another form is of no use."""

    @property
    def reads(self) -> tuple[str, ...]:
        """Every variable that its conditions look at."""
        return tuple(dict.fromkeys(name for step in self.steps if step.when for name in step.when.reads))

    @property
    def completing(self) -> int:
        """The step whose event is the violation: the last that is not absent."""
        return max(number for number, step in enumerate(self.steps) if not step.absent)

    @property
    def is_prompt(self) -> bool:
        """Whether a violation can be told as soon as its last event is there: nothing that comes late could undo it."""
        return not any(step.absent for step in self.steps)
