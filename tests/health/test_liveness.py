"""Silence is noticed at the same instant of event time, whether heartbeats come live or all at once."""

from hypothesis import given
from hypothesis import strategies as st

from streams.health.liveness import FORGET_MS, SILENT_MS, Liveness
from streams.windows.panes import Cell, Series

UP = Series("up", "gauge", (("service", "checkout"),), 1000)


def beat(at_ms: int) -> Cell:
    """A heartbeat in a pane."""
    return Cell(1, 1.0, 1.0, 1.0, 1.0, at_ms)


def test_it_is_down_after_30_seconds_without_a_heartbeat_until_the_next() -> None:
    """And not a millisecond earlier."""
    liveness = Liveness()
    liveness.merge(UP, beat(1_000))
    assert list(liveness.silent(1_000 + SILENT_MS)) == []
    assert list(liveness.silent(1_001 + SILENT_MS)) == [UP]
    liveness.merge(UP, beat(60_000))
    assert list(liveness.silent(60_000)) == []


def test_what_is_yet_to_come_is_not_silent() -> None:
    """A component is first expected when the clock has passed its first heartbeat."""
    liveness = Liveness()
    liveness.merge(UP, beat(100_000))
    assert list(liveness.silent(50_000)) == []


def test_after_a_day_it_is_forgotten() -> None:
    """A component that is gone for good does not alert for ever."""
    liveness = Liveness()
    liveness.merge(UP, beat(1_000))
    assert list(liveness.silent(1_001 + FORGET_MS)) == []
    assert liveness.beats_ms == {}


@given(st.lists(st.integers(0, 300_000), min_size=1, max_size=30, unique=True))
def test_catching_up_finds_the_same_silences_as_being_there(beats: list[int]) -> None:
    """Heartbeats that are merged before the clock has reached them change nothing."""
    live, behind = Liveness(), Liveness()
    for at_ms in beats:
        behind.merge(UP, beat(at_ms))
    for now_ms in range(0, 400_000, 5_000):
        for at_ms in beats:
            if now_ms - 5_000 < at_ms <= now_ms:
                live.merge(UP, beat(at_ms))
        assert list(live.silent(now_ms)) == list(behind.silent(now_ms))
