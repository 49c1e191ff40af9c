"""The values that objectives are written with: shares, durations, windows, wall times. Mistakes go to the YamlText."""

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from schemas.slo import UNIT_MINUTES, Calendar, NoData, Rolling, Source, Unit, Window
from schemas.yamltext import YamlText

SHORTEST_ROLLING, LONGEST_ROLLING = 60, 129_600
"""Minutes: 1 h and 90 d."""
SLICE_MINUTES = (1, 2, 3, 5, 10, 15, 20, 30, 60)
"""Slices begin at whole multiples of themselves, and have to fill 6 hours."""
NO_DATA = re.compile(r"(breach|gap|excluded)(?: after (.+))?")

_DURATION = re.compile(r"(\d+)([mhdwMQY])")
_MINUTES: dict[str, int] = {"m": 1, "h": 60, "d": 1440, "w": 10_080, "M": 43_200, "Q": 129_600, "Y": 525_600}
_WALL = "%Y-%m-%d %H:%M:%S"


def share(
    text: YamlText, node: yaml.Node, what: str, *, is_percent: bool = False, may_be_all: bool = False
) -> Fraction:
    """A share from 0 to below 1 (or up to 1), exactly as written; ``99.9%`` is understood everywhere."""
    written = text.text_of(node, what)
    is_percent = is_percent or written.endswith("%")
    value = decimal(text, node, what, written.removesuffix("%").strip())
    value = value / 100 if is_percent else value
    if not 0 <= value < 1 and not (may_be_all and value == 1):
        most = f"{'up to' if may_be_all else 'below'} {'100' if is_percent else '1'}"
        text.report(node, f"{what} is {written}, not from 0 to {most}", "write it like 0.999 or 99.9%")
        return Fraction(0)
    return value


def decimal(text: YamlText, node: yaml.Node, what: str, written: str | None = None) -> Fraction:
    """A finite number, exactly as written."""
    given = text.text_of(node, what) if written is None else written
    try:
        return Fraction(Decimal(given))
    except (InvalidOperation, ValueError, OverflowError):
        text.report(node, f"{what} is not a number: {given!r}", "write digits, such as 0.5")
        return Fraction(0)


def minutes(text: YamlText, node: yaml.Node, what: str) -> int:
    """An OpenSLO duration in minutes; a month is 30 days, a quarter 90, a year 365."""
    written = text.text_of(node, what)
    found = _DURATION.fullmatch(written)
    if found is None:
        text.report(node, f"{what} is not a duration: {written!r}", "write it like 5m, 6h, 28d, 1M")
        return 0
    return int(found[1]) * _MINUTES[found[2]]


def slice_minutes(text: YamlText, node: yaml.Node, what: str) -> int:
    """The length of a slice."""
    found = minutes(text, node, what)
    if found not in SLICE_MINUTES:
        known = ", ".join(f"{length}m" for length in SLICE_MINUTES)
        text.report(node, f"{what} is not one of those supported", f"write one of {known}")
        return 1
    return found


def rolling(text: YamlText, node: yaml.Node, what: str) -> Window:
    """A window that ends now."""
    found = minutes(text, node, what)
    if found and not SHORTEST_ROLLING <= found <= LONGEST_ROLLING:
        text.report(node, f"{what} is not from 1h to 90d", "write 30d, or use a calendar window")
    return Rolling(found)


def calendar(text: YamlText, duration: yaml.Node, anchor: str, zone: str) -> Window:
    """A window of the calendar; ``anchor`` and ``zone`` have been checked."""
    written = text.text_of(duration, "timeWindow.duration")
    found = _DURATION.fullmatch(written)
    if found is None or found[2] not in UNIT_MINUTES or int(found[1]) == 0:
        hint = f"write {found[1]}M for months" if found and found[2] == "m" else "write 1d, 1w, 1M, 1Q or 1Y"
        text.report(duration, f"timeWindow.duration {written!r} is not of the calendar: days, weeks, M, Q or Y", hint)
        return Rolling(0)
    return Calendar(unit=cast(Unit, found[2]), count=int(found[1]), anchor=anchor, zone=zone)


def wall_time(text: YamlText, node: yaml.Node, what: str) -> str:
    """A time of day in some zone, ``YYYY-MM-DD HH:MM:SS``; seconds may be left out."""
    written = text.text_of(node, what).replace("T", " ")
    for form in (_WALL, "%Y-%m-%d %H:%M", "%Y-%m-%d"):
        try:
            found = datetime.strptime(written, form)
        except ValueError:
            continue
        if found.second:
            text.report(node, f"{what} has seconds", "budgets are counted by minutes: write :00")
        return found.strftime(_WALL)
    text.report(node, f"{what} is not a time: {written!r}", 'write "2026-01-31 08:00:00"')
    return "2000-01-01 00:00:00"


def zone(text: YamlText, node: yaml.Node, what: str) -> str:
    """The name of a time zone of the IANA database."""
    written = text.text_of(node, what)
    try:
        ZoneInfo(written)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        text.report(node, f"{what} is no time zone: {written!r}", "write an IANA name such as Europe/Berlin")
        return "UTC"
    return written


def no_data(text: YamlText, node: yaml.Node, what: str) -> NoData:
    """``breach after 10m`` and its like."""
    written = text.text_of(node, what)
    found = NO_DATA.fullmatch(written)
    after = _DURATION.fullmatch(found[2]) if found and found[2] else None
    if found is None or (found[2] and after is None):
        text.report(node, f"{what} is not understood: {written!r}", 'write "breach after 10m", gap or excluded')
        return NoData()
    means = cast("str", found[1])
    after_minutes = int(after[1]) * _MINUTES[after[2]] if after else NoData().after_minutes
    return NoData(means=means, after_minutes=after_minutes)  # type: ignore[arg-type]  # the pattern lists them


def whole(text: YamlText, node: yaml.Node, what: str) -> int:
    """A whole number from 0."""
    written = text.text_of(node, what)
    if not written.isdigit():
        text.report(node, f"{what} has to be a whole number, and is {written!r}", "write digits only")
        return 0
    return int(written)


def source(text: YamlText, node: yaml.Node, what: str) -> Source:
    """What to count: ``series`` (a selector or several) or ``query``."""
    entries = text.mapping(node, what, ("series", "query"))
    if ("series" in entries) == ("query" in entries):
        text.report(node, f"{what} has to have either series or query", "write series: with a selector of series")
        return Source(place=text.place(node))
    if "query" in entries:
        return Source(query=text.text_of(entries["query"], f"{what}.query"), place=text.place(entries["query"]))
    given = entries["series"]
    items = text.items(given, "series") if isinstance(given, yaml.SequenceNode) else iter((given,))
    return Source(series=tuple(text.text_of(item, f"{what}.series") for item in items), place=text.place(given))
