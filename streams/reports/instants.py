"""Marks on a line of time where people look for them: at whole hours, days, weeks or months of a zone."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

Tick = tuple[int, str]
"""Epoch ms, and what is written there."""

_HOURS = (1, 2, 3, 6, 12)
_MINUTES = (1, 2, 5, 10, 15, 30)
_MOST = 8


def ticks(start_ms: int, end_ms: int, zone: str) -> list[Tick]:
    """At most nine marks in ``[start, end]``."""
    minutes = (end_ms - start_ms) / 60_000
    for step in _MINUTES:
        if minutes / step <= _MOST:
            return _stepped(start_ms, end_ms, zone, timedelta(minutes=step), "%H:%M")
    for hours in _HOURS:
        if minutes / 60 / hours <= _MOST:
            return _stepped(start_ms, end_ms, zone, timedelta(hours=hours), "%H:%M")
    days = max(-(-minutes // (1440 * _MOST)), 1)
    return _stepped(start_ms, end_ms, zone, timedelta(days=days), "%d %b" if days < 60 else "%b %Y")


def _stepped(start_ms: int, end_ms: int, zone: str, step: timedelta, form: str) -> list[Tick]:
    """On the wall clock, so that a day is a day also where clocks are put forward."""
    wall = datetime.fromtimestamp(start_ms / 1000, ZoneInfo(zone)).replace(tzinfo=None)
    at = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    found: list[Tick] = []
    while True:
        at_ms = int(at.replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)
        if at_ms > end_ms:
            return found
        if at_ms >= start_ms:
            found.append((at_ms, f"{at:{form}}"))
        at += step
