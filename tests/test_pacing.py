"""When the events of a replay are due, and how far their times move."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Event, Metric, MetricEvent
from streams.pacing import SHIFT_SECONDS, moved, paced, shift_to_now


def at(seconds: float) -> Event:
    return MetricEvent(
        specversion="1.0",
        id="1",
        source="/a",
        time=datetime.fromtimestamp(seconds, UTC),
        data=Metric(service="a", name="b", kind="gauge", value=1.0),
    )


def due(*seconds: float, speed: float) -> list[float]:
    return [moment for moment, _ in paced([at(second) for second in seconds], speed, start=1000.0)]


def test_events_are_due_at_their_distance_from_the_first() -> None:
    """At 1x as in the data, at 60x an hour in a minute."""
    assert due(500, 560, 4100, speed=1) == [1000, 1060, 4600]
    assert due(500, 560, 4100, speed=60) == [1000, 1001, 1060]


def test_at_full_speed_everything_is_due_at_once() -> None:
    """``max`` is an infinite speed."""
    assert due(500, 560, 4100, speed=math.inf) == [1000, 1000, 1000]


def test_a_step_back_in_time_is_due_at_once() -> None:
    """The disorder of the data stays, and delays nothing."""
    assert due(500, 560, 530, 570, speed=1) == [1000, 1060, 1060, 1070]


times = st.lists(st.integers(1_000_000_000, 1_600_000_000), min_size=1, max_size=20).map(sorted)


@given(times, st.sampled_from([0.1, 1.0, 60.0, 3600.0, math.inf]), st.integers(1_700_000_000, 1_800_000_000))
def test_no_shifted_event_is_ahead_of_the_clock_and_one_is_within_a_minute_of_it(
    seconds: list[int], speed: float, start: int
) -> None:
    """As late as it can be, in whole minutes, for any data, speed and clock."""
    shift = shift_to_now(seconds[0], seconds[-1], speed, start)
    behind = [moment - (event.time.timestamp() + shift) for moment, event in paced(map(at, seconds), speed, start)]
    assert shift % SHIFT_SECONDS == 0
    assert min(behind) >= -1e-3
    assert min(behind) < SHIFT_SECONDS + 1e-3


@pytest.mark.parametrize("speed, now_is", [(0.5, "first"), (1.0, "first"), (60.0, "last"), (math.inf, "last")])
def test_which_event_is_now(speed: float, now_is: str) -> None:
    """Up to 1x the first when it is sent, above it the last when it is sent."""
    shift = shift_to_now(first=0.0, last=7200.0, speed=speed, start=60_000.0)
    assert shift == (60_000 if now_is == "first" else 60_000 + 60 * math.floor(7200 / speed / 60) - 7200)


def test_moved_changes_time_service_and_tenant_and_nothing_else() -> None:
    """Events are frozen: the original stays."""
    event = at(0)
    later = moved(event, 90, service="c", tenant="d")
    assert (later.time.timestamp(), later.data.service, later.data.tenant) == (90, "c", "d")
    assert moved(later, -90, service="a", tenant="default") == event == at(0)
