"""How values are written for people. Nothing that missed 100 % is ever written as 100 %."""

from collections.abc import Iterable
from datetime import datetime
from math import floor, log10
from zoneinfo import ZoneInfo

from streams.reports.document import Value

MINUS = "\N{MINUS SIGN}"
UNKNOWN = "\N{EN DASH}"
"""For a value that is not known."""

_UNBROKEN = "\N{NO-BREAK SPACE}"
_SIGNIFICANT = 4
_MOST_DIGITS = 9


def written(value: Value, unit: str = "", zone: str = "UTC") -> str:
    """A value with its unit.

    Units that mean something: ``%`` (percent, not a ratio), ``time`` (epoch ms, shown in the zone), ``min`` (minutes,
    shown in hours and days when there are many), ``change`` (percentage points, with a sign), three capital letters
    (a currency). Any other is written behind the number.
    """
    if value is None:
        return UNKNOWN
    if isinstance(value, str):
        return value
    if unit == "time":
        return clock(int(value), zone)
    if unit == "%":
        return f"{_percent(value)}{_UNBROKEN}%"
    if unit == "change":
        return f"{'+' if value > 0 else ''}{_plain(value, 4)}"
    if unit == "min" and abs(value) >= 120:
        return _long(value)
    if len(unit) == 3 and unit.isupper():
        return f"{_signed(f'{abs(value):,.2f}', value)}{_UNBROKEN}{unit}"
    return _plain(value) + (f"{_UNBROKEN}{unit}" if unit else "")


def clock(at_ms: int, zone: str) -> str:
    """An instant on a wall clock of the zone, to the minute, or to the second where that matters."""
    wall = datetime.fromtimestamp(at_ms // 1000, ZoneInfo(zone))
    return f"{wall:%Y-%m-%d %H:%M:%S}" if wall.second else f"{wall:%Y-%m-%d %H:%M}"


def are_numbers(values: Iterable[Value], unit: str) -> bool:
    """Whether a column is aligned to the right."""
    return unit != "time" and all(not isinstance(value, str) for value in values)


def visible(text: str) -> str:
    """The same text, its control characters as escapes: nothing in it can play with a terminal or break a page."""
    return "".join(c if c.isprintable() or c == _UNBROKEN else c.encode("unicode_escape").decode() for c in text)


def _percent(value: float) -> str:
    """Three digits behind the point; more where fewer would hide that it is not 0 or 100."""
    for digits in range(3, _MOST_DIGITS):
        text = f"{value:.{digits}f}"
        if float(text) not in (0.0, 100.0) or float(text) == value:
            break
    return _signed(_shortened(text.removeprefix("-")), value)


def _plain(value: float, most: int = _MOST_DIGITS) -> str:
    """Whole numbers in full; others with four significant digits."""
    if isinstance(value, int) or (abs(value) >= 1000 and abs(value) < 1e15):
        return _signed(f"{abs(round(value)):,}", value)
    digits = min(max(_SIGNIFICANT - 1 - floor(log10(abs(value))), 0), most) if value else 0
    return _signed(_shortened(f"{abs(value):.{digits}f}"), value)


def _long(minutes: float) -> str:
    hours, rest = divmod(round(abs(minutes)), 60)
    days, hours = divmod(hours, 24)
    parts = [f"{days}{_UNBROKEN}d"] * bool(days) + [f"{hours}{_UNBROKEN}h"] * bool(hours)
    return _signed(" ".join([*parts, *[f"{rest}{_UNBROKEN}min"] * bool(rest)]), minutes)


def _shortened(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _signed(text: str, value: float) -> str:
    return MINUS + text if value < 0 and text.strip("0.,") else text
