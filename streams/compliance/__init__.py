"""Judges security and processing events by policies: YAML files with conditions in CEL, some of them shipped."""

from collections.abc import Hashable, Sequence

from schemas.events import ProcessingEvent, SecurityEvent
from schemas.policy import Verdict
from streams.compliance.judging import Answer, Judge
from streams.compliance.shipped import shipped

__all__ = ["Answer", "Judge", "check_policy_compliance", "judge", "shipped"]


class _Shipped:
    """Judges by the shipped policies, which are compiled when the first event comes."""

    def __call__(self, event: SecurityEvent | ProcessingEvent) -> Sequence[Verdict]:
        """One verdict for each control of each policy that the event concerns."""
        return shipped()(event)

    def facts(self, event: SecurityEvent | ProcessingEvent) -> Hashable:
        """All that the verdicts of an event depend on."""
        return shipped().facts(event)


judge = _Shipped()


def check_policy_compliance(event: SecurityEvent | ProcessingEvent) -> Answer:
    """The verdicts of the shipped policies as one answer; :meth:`streams.compliance.judging.Judge.check` says which."""
    return shipped().check(event)
