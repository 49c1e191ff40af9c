"""Objectives for tests: an availability of 99 % over an hour, and what a test changes of it."""

from fractions import Fraction
from typing import Any

import msgspec

from schemas.slo import Maintenance, Objective, Ratio, Rolling, Source
from schemas.yamltext import Place

PLACE = Place("f.yml", 1, 1)

AVAILABILITY = Objective(
    name="availability",
    service="checkout",
    indicator=Ratio(
        bad=Source(series=('requests_total{outcome="error"}',), place=PLACE),
        total=Source(series=("requests_total",), place=PLACE),
    ),
    target=Fraction(99, 100),
    window=Rolling(60),
    place=PLACE,
)


def objective(**changes: Any) -> Objective:
    """The availability, but for what is given."""
    return msgspec.structs.replace(AVAILABILITY, **changes)


def maintenance(start: str, minutes: int, **more: Any) -> Maintenance:
    """One that is named for the test."""
    return Maintenance(name="move", start=start, minutes=minutes, place=PLACE, **more)
