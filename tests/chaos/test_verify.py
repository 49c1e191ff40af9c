"""What chaos compares with the truth is read from the history without loss."""

import pytest

from tests.chaos.truth import Transition
from tests.chaos.verify import transition

START = 1_795_387_500_000


@pytest.mark.parametrize("seen_ms", [20_500, 23_000, 29_500, 30_000])
def test_a_change_is_of_the_pane_within_which_rules_saw_it(seen_ms: int) -> None:
    """An oven that is hot from second 20 on is seen at the live edge at any tick, or when its pane has ended."""
    at = START + seen_ms
    began = START // 1000 + 20
    assert transition("oven0", "pending", at, at) == Transition("oven0", "pending", began)
    assert transition("oven0", "firing", at, at + 30_000) == Transition("oven0", "firing", began)
    assert transition("oven0", "inactive", at - 20_000, at) == Transition("oven0", "inactive", began)


def test_an_alert_that_fires_after_another_hold_than_its_own_is_no_transition() -> None:
    with pytest.raises(AssertionError):
        transition("oven0", "firing", START, START + 30_500)
