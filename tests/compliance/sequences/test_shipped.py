"""Each shipped policy about a sequence: its tests would notice a change of any condition, number, time or key."""

from collections.abc import Iterator

import msgspec
import pytest

from schemas.rules import Written
from schemas.yamltext import Place
from streams.compliance.judging import compile_policies
from streams.compliance.sequences.inline import violating
from streams.compliance.sequences.marking import Marker
from streams.compliance.sequences.reading import SequenceFile, StepWritten
from streams.compliance.shipped import shipped, shipped_files
from tests.compliance.mutants import mutants

FILES = [file for file in shipped_files() if isinstance(file, SequenceFile)]


def mutants_of(file: SequenceFile) -> Iterator[tuple[str, SequenceFile]]:
    """Every file with one thing changed, and what it is."""
    if file.within_ms:
        for other in (file.within_ms - 1, file.within_ms + 1):
            yield f"within {other}", msgspec.structs.replace(file, within_ms=other)
    for number, step in enumerate(file.steps):
        for said, changed in steps_like(step):
            steps = (*file.steps[:number], changed, *file.steps[number + 1 :])
            yield f"step {number + 1}: {said}", msgspec.structs.replace(file, steps=steps)
        if step.absent and number < len(file.steps) - 1:
            steps = (*file.steps[:number], *file.steps[number + 1 :])
            yield f"without step {number + 1}", msgspec.structs.replace(file, steps=steps)


def steps_like(step: StepWritten) -> Iterator[tuple[str, StepWritten]]:
    """Every step with one thing changed."""
    if step.when is not None:
        for text in mutants(step.when.text):
            when = Written(text, lambda line, column: Place("mutant", line, column))
            yield text, msgspec.structs.replace(step, when=when)
    if step.times > 1:
        for times in (step.times - 1, step.times + 1):
            yield f"times {times}", msgspec.structs.replace(step, times=times)
    if step.within_ms:
        for other in (step.within_ms - 1, step.within_ms + 1):
            yield f"within {other}", msgspec.structs.replace(step, within_ms=other)


def passes(file: SequenceFile) -> bool:
    """Whether the file passes its tests."""
    judge, problems = compile_policies([file])
    assert problems == []
    (policy,) = judge.sequences
    marker = Marker([policy], judge.attributes)
    return all(violating(policy, marker, test) == test.violating for test in policy.tests)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.id)
def test_the_inline_tests_notice_every_change(file: SequenceFile) -> None:
    """No mutant passes the tests of its file."""
    assert passes(file)
    assert [said for said, mutant in mutants_of(file) if passes(mutant)] == []


def test_sequences_are_shipped_with_windows_counts_order_and_absence() -> None:
    """At least one of each kind."""
    sequences = shipped().sequences
    assert len(sequences) >= 6
    assert any(step.times > 1 for policy in sequences for step in policy.steps)
    assert any(policy.deadline_ms for policy in sequences)
    assert any(step.absent for policy in sequences for step in policy.steps[:-1])
    assert any(policy.is_prompt for policy in sequences)
