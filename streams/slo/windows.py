"""Where windows begin and end: rolling ones, and those of a calendar in a time zone. Minutes since the epoch."""

from calendar import monthrange
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from schemas.slo import Calendar, Unit, Window

_DAYS: dict[Unit, int] = {"d": 1, "w": 7}
_MONTHS: dict[Unit, int] = {"M": 1, "Q": 3, "Y": 12}
_WALL = "%Y-%m-%d %H:%M:%S"


def window_at(window: Window, minute: int) -> tuple[int, int]:
    """The rolling window that ends at that minute, or the one of the calendar that contains it: [start, end)."""
    if not isinstance(window, Calendar):
        return minute - window.minutes, minute
    index = _guess(window, minute)
    while _boundary(window, index) > minute:
        index -= 1
    while _boundary(window, index + 1) <= minute:
        index += 1
    return _boundary(window, index), _boundary(window, index + 1)


def window_until(window: Window, minute: int) -> tuple[int, int]:
    """The rolling window that ends at that minute, or the one of the calendar that has the minute before: [start, end).

    So the last count of a calendar window is that at its end.
    """
    return window_at(window, minute - 1 if isinstance(window, Calendar) else minute)


def minute_of_wall(wall: datetime, zone: str) -> int:
    """When a clock on the wall shows that. What a clock shows twice is the first; what it skips, as if it had not."""
    return int(wall.replace(tzinfo=_zone(zone)).timestamp() // 60)


def wall_of_minute(minute: int, zone: str) -> datetime:
    """What a clock on the wall shows, without its zone."""
    return datetime.fromtimestamp(minute * 60, _zone(zone)).replace(tzinfo=None)


def wall_time(text: str) -> datetime:
    """``YYYY-MM-DD HH:MM:SS``."""
    return datetime.strptime(text, _WALL)


@lru_cache(maxsize=1000)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _guess(window: Calendar, minute: int) -> int:
    anchor, wall = wall_time(window.anchor), wall_of_minute(minute, window.zone)
    if window.unit in _DAYS:
        return (wall - anchor).days // (_DAYS[window.unit] * window.count)
    months = (wall.year - anchor.year) * 12 + wall.month - anchor.month
    return months // (_MONTHS[window.unit] * window.count)


@lru_cache(maxsize=10_000)
def _boundary(window: Calendar, index: int) -> int:
    anchor, steps = wall_time(window.anchor), index * window.count
    if window.unit in _DAYS:
        return minute_of_wall(anchor + timedelta(days=steps * _DAYS[window.unit]), window.zone)
    month = anchor.month - 1 + steps * _MONTHS[window.unit]
    year, month = anchor.year + month // 12, month % 12 + 1
    day = min(anchor.day, monthrange(year, month)[1])
    return minute_of_wall(anchor.replace(year=year, month=month, day=day), window.zone)
