"""When maintenance is. Stretches of time are [start, end) in minutes since the epoch."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from schemas.slo import Maintenance
from streams.slo.windows import minute_of_wall, wall_of_minute, wall_time

Stretch = tuple[int, int]


def stretches(declared: Iterable[Maintenance], service: str, start: int, end: int) -> list[Stretch]:
    """What of ``[start, end)`` is maintenance of a service, in order and without overlaps."""
    found = [
        stretch
        for maintenance in declared
        if not maintenance.services or service in maintenance.services
        for stretch in _each(maintenance, start, end)
    ]
    return merged(found, start, end)


def merged(given: Iterable[Stretch], start: int, end: int) -> list[Stretch]:
    """The same time within ``[start, end)``, in order and without overlaps."""
    found: list[Stretch] = []
    for first, last in sorted(given):
        first, last = max(first, start), min(last, end)
        if first >= last:
            continue
        if found and first <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    return found


def outside(stretch: Stretch, of: Sequence[Stretch]) -> Iterator[Stretch]:
    """The parts of a stretch that are not among others, which are in order and do not overlap."""
    start, end = stretch
    for first, last in of:
        if last <= start or first >= end:
            continue
        if first > start:
            yield start, first
        start = max(start, last)
    if start < end:
        yield start, end


def _each(maintenance: Maintenance, start: int, end: int) -> Iterator[Stretch]:
    """One time after the other that may overlap ``[start, end)``."""
    zone, first = maintenance.zone, wall_time(maintenance.start)
    if not maintenance.days:
        begin = minute_of_wall(first, zone)
        yield begin, begin + maintenance.minutes
        return
    last = wall_of_minute(end, zone)
    if maintenance.until:
        last = min(last, wall_time(maintenance.until))
    earliest = wall_of_minute(start - maintenance.minutes, zone).replace(hour=first.hour, minute=first.minute)
    at = max(first, earliest - timedelta(days=1))
    while at <= last:
        if at.weekday() in maintenance.days:
            begin = minute_of_wall(at, zone)
            yield begin, begin + maintenance.minutes
        at += timedelta(days=1)
