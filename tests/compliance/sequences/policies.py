"""Policies about sequences for tests, without their sentences."""

from collections.abc import Sequence

from streams.compliance.sequences.policy import SequencePolicy, Step


def step(*, times: int = 1, absent: bool = False) -> Step:
    return Step(event="security", when=None, absent=absent, times=times, by=("actor",))


def policy(steps: Sequence[Step], within_ms: int, deadline_ms: int = 0, name: str = "example") -> SequencePolicy:
    return SequencePolicy(
        id=name,
        title="An example",
        frameworks={"soc2": ("CC6.1", "CC7.2"), "pci": ("8.3.4",)},
        steps=tuple(steps),
        within_ms=within_ms,
        deadline_ms=deadline_ms,
        severity="high",
        reason="it happened",
        remediation="Let it not happen.",
        owner="security",
        source="It must not happen.",
        tests=(),
        digest="d" * 64,
        form="f",
        file="example.yml",
    )
