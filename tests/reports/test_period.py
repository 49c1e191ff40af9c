"""Periods begin and end where a calendar on the wall has them."""

from datetime import UTC, datetime

import pytest

from schemas.failures import Rejected
from streams.reports.period import period, previous

NOW = int(datetime(2026, 11, 4, 12, tzinfo=UTC).timestamp() * 1000)
HOUR = 3_600_000


def days(text: str, zone: str = "UTC") -> tuple[str, str, str]:
    found = period(text, zone, NOW)
    start, end = (datetime.fromtimestamp(at / 1000, UTC).isoformat()[:16] for at in (found.start_ms, found.end_ms))
    return found.name, start, end


@pytest.mark.parametrize(
    ("text", "name", "start", "end"),
    [
        ("day", "2026-11-03", "2026-11-03T00:00", "2026-11-04T00:00"),
        ("week", "2026-W44", "2026-10-26T00:00", "2026-11-02T00:00"),
        ("month", "2026-10", "2026-10-01T00:00", "2026-11-01T00:00"),
        ("quarter", "2026-Q3", "2026-07-01T00:00", "2026-10-01T00:00"),
        ("2026-12", "2026-12", "2026-12-01T00:00", "2027-01-01T00:00"),
        ("2026-W53", "2026-W53", "2026-12-28T00:00", "2027-01-04T00:00"),
        ("2024", "2024", "2024-01-01T00:00", "2025-01-01T00:00"),
        ("2026-10-05..2026-10-07", "2026-10-05..2026-10-07", "2026-10-05T00:00", "2026-10-08T00:00"),
        ("2026-10-05T14:00..2026-10", "2026-10-05T14:00..2026-10", "2026-10-05T14:00", "2026-11-01T00:00"),
    ],
)
def test_a_text_means_a_period(text: str, name: str, start: str, end: str) -> None:
    assert days(text) == (name, start, end)


def test_a_month_is_as_long_as_its_clocks_make_it() -> None:
    found = period("2026-10", "Europe/Berlin", NOW)

    assert found.end_ms - found.start_ms == 31 * 24 * HOUR + HOUR


@pytest.mark.parametrize(
    ("text", "before"),
    [("2026-01", "2025-12"), ("2026-Q1", "2025-Q4"), ("2026-W01", "2025-W52"), ("2026-03-01", "2026-02-28")],
)
def test_the_period_before_is_the_one_of_the_calendar(text: str, before: str) -> None:
    found = period(text, "America/New_York", NOW)

    assert previous(found).name == before
    assert previous(found) == period(before, "America/New_York", NOW)


def test_before_two_instants_is_the_same_length() -> None:
    found = period("2026-10-05T14:00..2026-10-05T16:00", "UTC", NOW)

    assert previous(found).end_ms == found.start_ms
    assert previous(found).start_ms == found.start_ms - 2 * HOUR


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13", "2026-W60", "2026-10-05..", "2026-10-06..2026-10-05"])
def test_what_is_no_period_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(Rejected, match="write"):
        period(text, "UTC", NOW)
