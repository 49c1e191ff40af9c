"""Going up and down often is one thing to tell, not many; and telling it does not depend on how often one looks."""

from hypothesis import given
from hypothesis import strategies as st

from streams.health.flapping import EVERY_MS, RESULTS, Condition

MINUTE = 60_000


def after(*changes_ms: int, until_ms: int = 0) -> Condition:
    """Up for an hour, then changed at these times."""
    condition = Condition(True, -60 * MINUTE, [True])
    for index, at_ms in enumerate(changes_ms):
        condition.see(at_ms, index % 2 == 1)
    condition.pass_to(until_ms)
    return condition


def test_one_outage_is_no_flapping() -> None:
    """Nor is it when it is over."""
    assert not after(0).is_flapping
    assert not after(0, MINUTE).is_flapping


def test_two_outages_in_a_few_minutes_are() -> None:
    """Four changes of twenty, all of them new: 4 * 1.2 / 20 at most, which is more than 20 %."""
    twice = after(0, MINUTE, 2 * MINUTE, 3 * MINUTE)
    assert 20 < twice.percent < 24
    assert twice.is_flapping


def test_two_outages_in_an_hour_are_not() -> None:
    """Each is worth telling."""
    assert not after(0, MINUTE, 30 * MINUTE, 31 * MINUTE).is_flapping


def test_it_ends_when_all_is_calm_for_some_minutes() -> None:
    """Then only the last change is among the results, and that weighs 4.2 %."""
    changes = 0, MINUTE, 2 * MINUTE, 3 * MINUTE
    assert after(*changes, until_ms=11 * MINUTE + EVERY_MS - 1).is_flapping
    calm = after(*changes, until_ms=11 * MINUTE + EVERY_MS)
    assert round(calm.percent, 1) == 4.2
    assert not calm.is_flapping


def test_whoever_changes_at_every_result_changes_by_all_there_is() -> None:
    """The weights make 100 % together."""
    assert round(after(*range(0, 25_000, 1_000)).percent, 9) == 100.0


@given(
    st.lists(st.integers(0, 40 * MINUTE), max_size=40, unique=True).map(sorted),
    st.lists(st.integers(0, 40 * MINUTE), max_size=200),
)
def test_it_is_the_same_however_often_one_looks(changes: list[int], looks: list[int]) -> None:
    """Heartbeats that change nothing, and time that passes, are not results of their own."""
    seldom, often = (Condition(True, -60 * MINUTE, [True]) for _ in range(2))
    states = {at_ms: index % 2 == 1 for index, at_ms in enumerate(changes)}
    for at_ms in changes:
        seldom.see(at_ms, states[at_ms])
    for at_ms in sorted({*looks, *changes}):
        often.see(at_ms, states.get(at_ms, often.is_up))
    for each in (seldom, often):
        each.pass_to(40 * MINUTE)
    assert seldom == often
    assert len(often.results) <= RESULTS
