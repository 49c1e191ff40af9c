"""Maintenance that comes back every week, against a clock that is read every minute."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from streams.slo.maintenance import merged, outside, stretches
from tests.slo.objectives import maintenance


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Asia/Kolkata"])
def test_every_sunday_at_four_is_that_on_the_wall(zone: str) -> None:
    """Across both changes of the clocks of a year."""
    declared = maintenance("2025-01-01 04:00:00", 90, zone=zone, days=(6,))
    start = int(datetime(2025, 1, 1, tzinfo=ZoneInfo("UTC")).timestamp()) // 60
    end = start + 365 * 1440

    found = stretches([declared], "checkout", start, end)

    walls = [datetime.fromtimestamp(first * 60, ZoneInfo(zone)) for first, _ in found]
    assert len(found) == 52
    assert all((wall.weekday(), wall.hour, wall.minute) == (6, 4, 0) for wall in walls)
    assert all(last - first == 90 for first, last in found)


def test_what_began_before_the_stretch_still_counts() -> None:
    declared = maintenance("2025-01-01 23:30:00", 60, days=(2,), until="2025-01-09 00:00:00")
    midnight = int(datetime(2025, 1, 2, tzinfo=ZoneInfo("UTC")).timestamp()) // 60

    assert stretches([declared], "a", midnight, midnight + 20 * 1440) == [
        (midnight, midnight + 30),
        (midnight + 7 * 1440 - 30, midnight + 7 * 1440 + 30),
    ]


def test_days_are_counted_from_the_first() -> None:
    first = datetime(2025, 1, 8, 1, tzinfo=ZoneInfo("UTC"))
    declared = maintenance("2025-01-08 01:00:00", 30, days=(0, 1, 2, 3, 4, 5, 6))
    before = int((first - timedelta(days=3)).timestamp()) // 60

    assert len(stretches([declared], "a", before, before + 5 * 1440)) == 2


def test_overlaps_are_merged_and_the_rest_is_outside() -> None:
    assert merged([(5, 9), (1, 3), (2, 6), (20, 30)], 0, 25) == [(1, 9), (20, 25)]
    assert list(outside((0, 30), [(1, 9), (20, 25)])) == [(0, 1), (9, 20), (25, 30)]
