"""Which time a report is about: days, weeks, months and quarters of a time zone, or from one instant to another."""

import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schemas.failures import Rejected
from streams.reports.document import Period

UNITS = ("day", "week", "month", "quarter")

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_WEEK = re.compile(r"(\d{4})-W(\d\d)")
_MONTH = re.compile(r"(\d{4})-(\d\d)")
_QUARTER = re.compile(r"(\d{4})-Q([1-4])")
_YEAR = re.compile(r"\d{4}")


def period(text: str, zone: str, now_ms: int) -> Period:
    """The period that a text means. Raises Rejected with what to write instead.

    ``day``, ``week``, ``month``, ``quarter``: the last one that is over. ``2026-10-05``, ``2026-W41``, ``2026-10``,
    ``2026-Q4``, ``2026``: that one. ``FROM..TO``: from the beginning of the one to the end of the other; instants such
    as ``2026-10-05T14:00`` are themselves.
    """
    if text in UNITS:
        today = datetime.fromtimestamp(now_ms / 1000, ZoneInfo(zone)).date()
        first, _ = _unit(text, today)
        before, _ = _unit(text, first - timedelta(days=1))
        return _between(_name(text, before), before, first, zone)
    first_text, dots, last_text = text.partition("..")
    start, _ = _edges(first_text, zone)
    _, end = _edges(last_text if dots else first_text, zone)
    if start >= end:
        raise Rejected(f"the period {text} ends before it begins; write the earlier time first")
    return Period(name=text, start_ms=start, end_ms=end, zone=zone)


def previous(of: Period) -> Period:
    """The one before: of a unit of the calendar that unit, of another the same length."""
    for pattern, unit in ((_DAY, "day"), (_WEEK, "week"), (_MONTH, "month"), (_QUARTER, "quarter")):
        if pattern.fullmatch(of.name):
            first = datetime.fromtimestamp(of.start_ms / 1000, ZoneInfo(of.zone)).date()
            before, _ = _unit(unit, first - timedelta(days=1))
            return _between(_name(unit, before), before, first, of.zone)
    start = of.start_ms - (of.end_ms - of.start_ms)
    return Period(name="the same time before", start_ms=start, end_ms=of.start_ms, zone=of.zone)


def _edges(text: str, zone: str) -> tuple[int, int]:
    """Beginning and end of what one side of a range says."""
    try:
        if _DAY.fullmatch(text):
            days = _unit("day", date.fromisoformat(text))
        elif found := _WEEK.fullmatch(text):
            days = _unit("week", date.fromisocalendar(int(found[1]), int(found[2]), 1))
        elif found := _MONTH.fullmatch(text):
            days = _unit("month", date(int(found[1]), int(found[2]), 1))
        elif found := _QUARTER.fullmatch(text):
            days = _unit("quarter", date(int(found[1]), int(found[2]) * 3 - 2, 1))
        elif _YEAR.fullmatch(text):
            days = date(int(text), 1, 1), date(int(text) + 1, 1, 1)
        else:
            at = datetime.fromisoformat(text)
            at_ms = int((at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).timestamp() * 1000)
            return at_ms, at_ms
        return _midnight(days[0], zone), _midnight(days[1], zone)
    except (ValueError, OverflowError):
        raise Rejected(
            f"{text!r} is no period; write day, week, month, quarter, 2026-10-05, 2026-W41, 2026-10, 2026-Q4, or two "
            "of the latter with .. between them"
        ) from None


def _unit(unit: str, day: date) -> tuple[date, date]:
    """The first day of the unit that has a day, and that of the next."""
    if unit == "day":
        return day, day + timedelta(days=1)
    if unit == "week":
        first = day - timedelta(days=day.weekday())
        return first, first + timedelta(days=7)
    months = 1 if unit == "month" else 3
    month = (day.month - 1) // months * months
    after = month + months
    return date(day.year, month + 1, 1), date(day.year + after // 12, after % 12 + 1, 1)


def _name(unit: str, first: date) -> str:
    year, week, _ = first.isocalendar()
    names = {
        "day": first.isoformat(),
        "week": f"{year}-W{week:02}",
        "month": f"{first:%Y-%m}",
        "quarter": f"{first.year}-Q{(first.month + 2) // 3}",
    }
    return names[unit]


def _between(name: str, first: date, after: date, zone: str) -> Period:
    return Period(name=name, start_ms=_midnight(first, zone), end_ms=_midnight(after, zone), zone=zone)


def _midnight(day: date, zone: str) -> int:
    return int(datetime.combine(day, time(), ZoneInfo(zone)).timestamp() * 1000)
