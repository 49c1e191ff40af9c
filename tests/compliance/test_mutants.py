"""The mutator leaves no comparison of a shipped policy as it is: counted by a reader of its own."""

from collections import Counter
from collections.abc import Iterator

import pytest

from streams.compliance.reading import PolicyFile
from streams.compliance.shipped import shipped_files
from tests.compliance.mutants import mutants
from tests.fuzz.cel import Formula, read

_MUTANTS = {"==": 1, "!=": 1, "<": 2, "<=": 2, ">": 2, ">=": 2, "in": 1, "and": 1, "or": 1, "not": 1}
"""Of each operator: the other way round, and, of what has a limit, the limit."""


def conditions() -> list[str]:
    """Of all shipped policies, about single events and about sequences."""
    found = []
    for file in shipped_files():
        written = (file.when, file.require) if isinstance(file, PolicyFile) else [step.when for step in file.steps]
        found += [each.text for each in written if each is not None]
    return found


def operators(formula: Formula) -> Iterator[str]:
    kind, *parts = formula
    if kind in _MUTANTS:
        yield kind
    if kind not in ("is", "value"):
        for part in parts:
            yield from operators(part)


@pytest.mark.parametrize("text", conditions())
def test_every_operator_has_its_mutants(text: str) -> None:
    changed = list(mutants(text))
    assert len(changed) == sum(_MUTANTS[kind] for kind in operators(read(text)))
    assert len({repr(read(each)) for each in (text, *changed)}) == len(changed) + 1


def test_policies_have_no_operator_that_is_not_turned_around() -> None:
    used = Counter(kind for text in conditions() for kind in operators(read(text)))
    assert used.keys() <= _MUTANTS.keys()
    assert used.total() > 200


@pytest.mark.parametrize(
    "text", ["a ? b : c", "has(a)", "a.size() > 1", "[1].all(x, x > 0)", "a.matches('b')", "a + 1 == b"]
)
def test_what_the_mutator_does_not_turn_around_is_noticed(text: str) -> None:
    """A policy that begins to use it fails here, and the mutator has to learn it."""
    with pytest.raises((AssertionError, IndexError)):
        read(text)
