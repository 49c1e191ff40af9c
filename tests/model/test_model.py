"""Every row once, every window exact, no offset before its data: whatever fails, at whichever request."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.model.mutants import MUTANTS
from tests.model.plan import Fault, Plan, plans
from tests.model.run import Violation, run

REQUESTS = 90
"""A run without faults makes 65 to 100."""

ONCE_WRONG = [
    Plan(34, {34: Fault.STOPPED}),  # a stop broke off a round, and acknowledged the one before in its place
    Plan(40, {40: Fault.FROZEN_BEFORE}),  # a batch in doubt that had to wait kept the stage busy
    Plan(70, {70: Fault.KILLED_AFTER}),  # what a fenced snapshot interrupted was entered twice, and lost records
    Plan(76, {76: Fault.FROZEN_BEFORE}),  # a round of an earlier epoch took one of the present with it
    Plan(32163, {43: Fault.ANSWER_LOST, 66: Fault.HALF, 75: Fault.HALF_AND_KILLED}),  # a window's token without its row
    Plan(56258, {51: Fault.FROZEN_AFTER, 71: Fault.HALF_AND_KILLED, 74: Fault.FROZEN_BEFORE}),  # a commit decided by an
    # earlier epoch was stamped with the generation of the present one
]


def every(step: int, first: int = 1) -> Iterator[Plan]:
    """One fault a run: every kind, at every ``step``-th request; the seed differs as well."""
    return (Plan(number, {number: fault}) for number in range(first, REQUESTS, step) for fault in Fault)


@pytest.mark.slow
def test_one_fault_at_any_request_changes_nothing_and_every_hard_case_is_met() -> None:
    met: Counter[str] = Counter()
    for plan in every(1):
        try:
            met.update(run(plan).met)
        except Violation as violation:
            pytest.fail(f"{plan}: {violation}")

    assert met["recovered batch absent"]
    assert met["recovered batch partial"]
    assert met["recovered batch complete"]
    assert met["rows repaired"], "no token without its rows"
    assert met["commit fenced"]
    for fault in ("ANSWER_LOST", "REQUEST_LOST", "FROZEN_BEFORE", "KILLED_AFTER", "REBALANCE"):
        for what in ("commit", "insert into raw_metrics", "send to panes"):
            assert met[f"{fault} at {what}"], f"never {fault} at {what}"


@pytest.mark.slow
@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(plans(REQUESTS))
def test_several_faults_change_nothing(plan: Plan) -> None:
    run(plan)


@pytest.mark.parametrize("plan", ONCE_WRONG, ids=str)
def test_a_plan_that_once_found_a_defect(plan: Plan) -> None:
    run(plan)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_no_step_can_be_left_out(mutant: Callable[[], AbstractContextManager[Any]]) -> None:
    """The model finds a violation soon, and the protocol as it is has none there."""
    with mutant():
        found = next(plan for plan in every(3, first=10) if violated(plan))
    run(found)


def violated(plan: Plan) -> bool:
    try:
        run(plan)
    except Violation:
        return True
    return False
