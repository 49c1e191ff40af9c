"""What the demo publishes: the shipped extracts, generated traffic and a few bad records, merged by event time.

The extracts are years apart, so each is laid at its own place on one axis: seconds since the story begins. Pure: the
same seed gives the same story.
"""

import heapq
from collections.abc import Iterator
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import sources
from demo.broken import Broken, broken
from demo.traffic import traffic
from schemas.events import Event
from streams.pacing import moved

DATA = Path(__file__).parent / "data"

BEGIN = datetime(2022, 8, 22, 3, 50, tzinfo=UTC)
"""Second 0, in the time of the Nezha extract and of everything that is generated."""

DATA_SECONDS = 7_290
"""The extracts end here; nothing bad happens after."""

SECONDS = 7_800
"""The whole story: after the extracts come minutes of healthy traffic, in which windows close and alerts resolve."""


class Item(NamedTuple):
    """One record of the story."""

    at: float
    """Seconds since the story begins."""
    what: Event | Broken


EXTRACTS = {
    "nezha/front_service.csv": BEGIN,
    "nezha/frontend-579b9bff58-t2dbm_metric.csv": BEGIN,
    "processing/recipe.json": BEGIN,
    "cloudtrail/cloudtrail.ndjson": datetime(2023, 7, 10, 11, 24, tzinfo=UTC),
    "authlog/auth.log": datetime(2017, 3, 30, 14, 23, tzinfo=UTC),
}
"""The instant of each extract's own time that is second 0: chosen so that attacks and faults follow one another."""


def story(seed: int = 1) -> Iterator[Item]:
    """Every record in the order of ``at``, event times on the axis that begins at ``BEGIN``."""
    extracts = [_extract(DATA / name, second_0) for name, second_0 in EXTRACTS.items()]
    generated = (_item(event) for event in traffic(BEGIN, SECONDS, seed))
    bad = (Item(at, what) for at, what in broken(BEGIN, DATA_SECONDS))
    return heapq.merge(*extracts, generated, bad, key=attrgetter("at"))


def _extract(path: Path, second_0: datetime) -> Iterator[Item]:
    later = (BEGIN - second_0).total_seconds()
    for event in sources.read(path, sources.recognise(path), second_0.year):
        yield _item(moved(event, later))


def _item(event: Event) -> Item:
    return Item((event.time - BEGIN).total_seconds(), event)
