"""Windows of the calendar, against a clock that is read every half hour for two years."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from schemas.slo import Calendar, Rolling, Unit
from streams.slo.windows import window_at

START = int(datetime(2025, 1, 1, tzinfo=ZoneInfo("UTC")).timestamp()) // 60
YEARS = range(START, START + 2 * 365 * 1440, 30)
ZONES = ("America/New_York", "Europe/Berlin", "Asia/Kolkata")

OF: dict[Unit, Callable[[datetime], object]] = {
    "d": lambda wall: wall.date(),
    "w": lambda wall: wall.isocalendar()[:2],
    "M": lambda wall: (wall.year, wall.month),
    "Q": lambda wall: (wall.year, (wall.month - 1) // 3),
    "Y": lambda wall: wall.year,
}


@lru_cache
def clock(zone: str) -> list[datetime]:
    return [datetime.fromtimestamp(minute * 60, ZoneInfo(zone)) for minute in YEARS]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("unit", OF)
def test_windows_begin_when_the_wall_says_so(zone: str, unit: Unit) -> None:
    """For two years, across every change of the clocks: each half hour is in the window that the wall names."""
    window = Calendar(unit=unit, anchor="2024-01-01 00:00:00", zone=zone)
    names = [OF[unit](wall) for wall in clock(zone)]
    edges = [index for index in range(1, len(names)) if names[index] != names[index - 1]]

    assert len(edges) >= 1
    for first, last in pairwise(edges):
        expected = YEARS[first], YEARS[last]
        assert window_at(window, YEARS[first]) == expected
        assert window_at(window, YEARS[last] - 1) == expected
    assert window_at(window, YEARS[edges[0]] - 1)[1] == YEARS[edges[0]]


@pytest.mark.parametrize("zone", ZONES)
def test_an_anchor_within_the_day_moves_the_windows(zone: str) -> None:
    """As OpenSLO's example has it: weeks that begin on Saturdays at noon."""
    window = Calendar(unit="w", anchor="2022-01-01 12:00:00", zone=zone)

    names = [(wall - timedelta(hours=12) + timedelta(days=2)).replace(tzinfo=None) for wall in clock(zone)]
    weeks = [name.isocalendar()[:2] for name in names]
    for index in range(1, len(weeks)):
        if weeks[index] != weeks[index - 1]:
            assert window_at(window, YEARS[index])[0] == YEARS[index] == window_at(window, YEARS[index] - 1)[1]


def test_months_that_are_too_short_end_on_their_last_day() -> None:
    window = Calendar(unit="M", anchor="2024-01-31 00:00:00", zone="UTC")
    february = int(datetime(2025, 2, 28, tzinfo=ZoneInfo("UTC")).timestamp()) // 60

    assert window_at(window, february) == (february, february + 31 * 1440)


def test_several_units_are_one_window() -> None:
    window = Calendar(unit="M", count=2, anchor="2024-01-01 00:00:00", zone="UTC")
    march = int(datetime(2025, 3, 1, tzinfo=ZoneInfo("UTC")).timestamp()) // 60

    assert window_at(window, march + 5) == (march, march + 61 * 1440)


def test_a_rolling_window_ends_now() -> None:
    assert window_at(Rolling(60), 1000) == (940, 1000)
