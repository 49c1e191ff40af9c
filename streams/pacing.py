"""When each event of a replay is due, and by how much its time moves: arithmetic only, the caller sleeps.

All instants are Unix seconds; ``speed`` is event time per wall-clock time, ``math.inf`` for as fast as it goes.
"""

import math
from collections.abc import Iterable, Iterator
from datetime import timedelta

import msgspec

from schemas.events import Event

SHIFT_SECONDS = 60
"""Shifts are whole minutes, so that the windows of a minute hold the same events as in the data."""


def paced(events: Iterable[Event], speed: float, start: float) -> Iterator[tuple[float, Event]]:
    """Each event with the instant at which it is due; the first at ``start``, none before the one ahead of it.

    An event whose time goes back is due at once: data sets have disorder, and a replay keeps it.
    """
    due, first = start, None
    for event in events:
        moment = event.time.timestamp()
        first = moment if first is None else first
        due = max(due, start + (moment - first) / speed)
        yield due, event


def shift_to_now(first: float, last: float, speed: float, start: float) -> float:
    """Seconds to add to every event time, so that a replay begun at ``start`` lies as late as it can.

    No event is ahead of the clock when it is due: up to ``speed`` 1 the first event is now when it is sent, above 1
    the last one is, and those before it lie in the past.
    """
    first_is_now = start - first
    last_is_now = start + (last - first) / speed - last
    return math.floor(min(first_is_now, last_is_now) / SHIFT_SECONDS) * SHIFT_SECONDS


def moved(event: Event, seconds: float, service: str | None = None, tenant: str | None = None) -> Event:
    """The event ``seconds`` later, and of another service or tenant where one is given."""
    replaced = {name: value for name, value in (("service", service), ("tenant", tenant)) if value is not None}
    data = msgspec.structs.replace(event.data, **replaced) if replaced else event.data
    return msgspec.structs.replace(event, time=event.time + timedelta(seconds=seconds), data=data)
