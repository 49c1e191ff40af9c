"""The tests inside policy files, and what they and a stream of events leave uncovered."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from schemas.policy import Framework
from streams.compliance.judging import Judge
from streams.compliance.policy import InlineTest, Judged, Policy
from streams.compliance.sequences.inline import violating
from streams.compliance.sequences.marking import Marker
from streams.compliance.sequences.policy import SequencePolicy, SequenceTest


class Result(msgspec.Struct, frozen=True):
    """One test of one policy."""

    policy: str
    place: str
    expected: str
    found: str
    reason: str
    """What the policy said; empty where it is compliant or does not concern the event."""

    @property
    def passed(self) -> bool:
        """Whether the policy judged as the test says."""
        return self.expected == self.found


class Coverage(msgspec.Struct, frozen=True):
    """What is not covered."""

    controls: list[str]
    """Controls that events can witness and that no policy speaks for: ``gdpr art-16``."""
    never_fired: list[str]
    """Policies that found no violation in any of their tests."""


def run_tests(judge: Judge) -> list[Result]:
    """Every test of every policy: of those about single events, then of those about sequences."""
    found = [_run(judge, policy, test) for policy in judge.policies for test in policy.tests]
    for policy in judge.sequences:
        marker = Marker([policy], judge.attributes)
        found += [_run_sequence(policy, marker, test) for test in policy.tests]
    return found


def verdict_of(judge: Judge, policy: Policy, test: InlineTest) -> Judged | None:
    """What ``policy`` says about the event of a test."""
    raw = judge.vocabulary.raw(test.event)
    return policy.judge(raw[0], judge.vocabulary.facts(raw))  # type: ignore[arg-type]


def _run(judge: Judge, policy: Policy, test: InlineTest) -> Result:
    found = verdict_of(judge, policy, test) or ("not_concerned", "")
    return Result(policy.id, str(test.place), test.expected or "not_concerned", *found)


def _run_sequence(policy: SequencePolicy, marker: Marker, test: SequenceTest) -> Result:
    found = violating(policy, marker, test)
    reason = policy.reason if found else ""
    return Result(policy.id, str(test.place), _told(test.violating), _told(found), reason)


def _told(violating: Sequence[int]) -> str:
    """Events are counted from 1."""
    return f"non_compliant at {', '.join(str(event + 1) for event in violating)}" if violating else "compliant"


def coverage(
    policies: Sequence[Policy | SequencePolicy], results: Iterable[Result], witnessed: Mapping[Framework, Iterable[str]]
) -> Coverage:
    """``witnessed``: the controls of each framework that events can witness."""
    spoken_for = {control for policy in policies for control in policy.controls}
    fired = {result.policy for result in results if result.found.startswith("non_compliant")}
    return Coverage(
        [
            f"{name} {each}"
            for name, listed in witnessed.items()
            for each in listed
            if f"{name} {each}" not in spoken_for
        ],
        [policy.id for policy in policies if policy.id not in fired],
    )
