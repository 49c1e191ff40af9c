"""All sequences of a tenant: marks in, violations out, by the clock of event time. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from streams.compliance.sequences.marks import Marks, Seen, Witness
from streams.compliance.sequences.matcher import Matcher, MatcherState
from streams.compliance.sequences.policy import SequencePolicy
from streams.promql.storage import FOREVER


class SequenceViolation(NamedTuple):
    """A policy that several events together violate."""

    policy: SequencePolicy
    time_ms: int
    """When its last event happened, or its deadline passed."""
    witness: Witness
    """That last event, or the one that was not answered."""


class SequenceSettings(msgspec.Struct, frozen=True):
    """What every tenant has in common."""

    policies: tuple[SequencePolicy, ...] = ()
    most_keys: int = 100_000
    """Of each policy."""
    pane_ms: int = 1_000
    """Of the series that count verdicts."""


class SequencesState(msgspec.Struct, array_like=True):
    """The sequences of a tenant as they are kept in a snapshot."""

    matchers: list[MatcherState]


class Sequences:
    """Follows every policy. State of a policy that is gone, or that other events match now, is dropped."""

    def __init__(self, settings: SequenceSettings, lateness_ms: int) -> None:
        self._matchers = {
            (policy.id, policy.form): Matcher(policy, settings.most_keys, lateness_ms) for policy in settings.policies
        }

    def merge(self, marks: Marks, clock_ms: int) -> None:
        """Take in the marks of a batch, which came when the clock stood at ``clock_ms``."""
        matchers = [self._matchers.get(policy) for policy in marks.policies]
        for mark in marks.marks:
            matcher = matchers[mark.policy]
            if matcher is not None:
                about, witness = mark.about, None
                if about is not None:
                    where = (marks.source, marks.incarnation, mark.offset)
                    witness = Witness(about.digest, *where, about.service, about.event_type, about.event_id)
                matcher.add(mark.key, Seen(mark.time_ms, mark.steps, witness), clock_ms)

    def advance(self, now_ms: int) -> Sequence[SequenceViolation]:
        """What has become certain when the clock has come to ``now_ms``."""
        return [
            SequenceViolation(matcher.policy, *found)
            for matcher in self._matchers.values()
            for found in matcher.advance(now_ms)
        ]

    def next_ms(self) -> int:
        """When :meth:`advance` may find something, if nothing is merged before."""
        return min((matcher.next_ms() for matcher in self._matchers.values()), default=FOREVER)

    def __len__(self) -> int:
        """Keys that are remembered, of all policies."""
        return sum(map(len, self._matchers.values()))

    @property
    def overflowed(self) -> int:
        """Events that were left out, because too many keys are remembered."""
        return sum(matcher.overflowed for matcher in self._matchers.values())

    @property
    def late(self) -> int:
        """Events that came too late."""
        return sum(matcher.late for matcher in self._matchers.values())

    def snapshot(self) -> SequencesState:
        """What :meth:`restore` needs."""
        return SequencesState([matcher.snapshot() for matcher in self._matchers.values()])

    def restore(self, state: SequencesState) -> None:
        """Go on from a snapshot."""
        for kept in state.matchers:
            matcher = self._matchers.get((kept.policy, kept.form))
            if matcher is not None:
                matcher.restore(kept)
