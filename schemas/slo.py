"""Objectives: what a service promises over a window of time, and what is said when the promise is at stake.

Users write them as OpenSLO (:mod:`schemas.openslo`) or in a short form (:mod:`schemas.slo_short`).
"""

from fractions import Fraction
from typing import Literal

import msgspec

from schemas.yamltext import Place

Op = Literal["lt", "lte", "gt", "gte"]
Unit = Literal["d", "w", "M", "Q", "Y"]

UNIT_MINUTES: dict[Unit, int] = {"d": 1440, "w": 10_080, "M": 43_200, "Q": 129_600, "Y": 525_600}
"""About how long a calendar unit is: what alerts are scaled by."""

WINDOW = "$window"
"""Stands for the window in the text of a query."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where numbers come from: the increments of series, or an expression that is evaluated every minute."""

    series: tuple[str, ...] = ()
    """PromQL selectors; what they select is added up."""
    query: str = ""
    """PromQL; ``$window`` stands for the window. Empty when there are ``series``."""
    place: Place


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """Events of one kind among all. Exactly one of ``good`` and ``bad`` is there."""

    good: Source | None = None
    bad: Source | None = None
    total: Source
    is_counter: bool = True
    """False: each sample counts by itself, as a gauge of how many there were."""


class Raw(msgspec.Struct, frozen=True, kw_only=True):
    """A ratio between 0 and 1 that somebody has computed already, one value a minute."""

    source: Source
    kind: Literal["success", "failure"]


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """Values on the right side of a bound: those of a distribution, or one value a minute of an expression."""

    source: Source
    op: Op
    value: float
    """In the unit of the series."""


Indicator = Ratio | Raw | Threshold


class Occurrences(msgspec.Struct, frozen=True):
    """The budget is events: so many of them may be bad."""


class Slices(msgspec.Struct, frozen=True, kw_only=True):
    """The budget is time: so many slices may be bad. A slice is good when its ratio of good to total is right."""

    minutes: int
    op: Op = "gte"
    target: Fraction


class RatioSlices(msgspec.Struct, frozen=True, kw_only=True):
    """The mean of the ratios of slices: each slice weighs the same, however many events are in it."""

    minutes: int


Method = Occurrences | Slices | RatioSlices


class Rolling(msgspec.Struct, frozen=True):
    """The last ``minutes``."""

    minutes: int


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """``count`` units of the calendar of a time zone, one after the other, of which one begins at ``anchor``."""

    unit: Unit
    count: int = 1
    anchor: str
    """Wall time in the zone: ``YYYY-MM-DD HH:MM:SS``."""
    zone: str
    """IANA name."""

    @property
    def minutes(self) -> int:
        """About how long a window is."""
        return UNIT_MINUTES[self.unit] * self.count


Window = Rolling | Calendar


class NoData(msgspec.Struct, frozen=True, kw_only=True):
    """What it means that nothing came for longer than ``after_minutes``."""

    means: Literal["breach", "gap", "excluded"] = "gap"
    """breach: those minutes are bad. gap: they do not count and are shown as missing. excluded: as maintenance."""
    after_minutes: int = 5


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """An OpenSLO condition: the burn rate over one lookback, compared with a threshold."""

    name: str
    severity: str
    op: Op
    threshold: Fraction
    lookback_minutes: int
    after_minutes: int = 0
    """How long it has to hold."""
    place: Place


class Objective(msgspec.Struct, frozen=True, kw_only=True):
    """One promise."""

    name: str
    """Unlike that of any other objective."""
    service: str
    description: str = ""
    indicator: Indicator
    target: Fraction
    """The share that has to be good, from 0 to below 1."""
    method: Method = Occurrences()
    window: Window = Rolling(43_200)
    minimum_events: int = 0
    """Fewer than these in a window, or in a slice: not enough data."""
    no_data: NoData = NoData()
    burn_rates: str = ""
    """The name of the multiwindow alerts, such as ``google``; empty for none."""
    severities: tuple[str, ...] = ()
    """Of the multiwindow alerts, only those; empty for all."""
    conditions: tuple[Condition, ...] = ()
    labels: dict[str, str] = {}
    place: Place


class Maintenance(msgspec.Struct, frozen=True, kw_only=True):
    """Time that no budget counts and no alert is sent in: once, or on days of the week at a time of day."""

    name: str
    services: tuple[str, ...] = ()
    """Empty: every service."""
    zone: str = "UTC"
    start: str
    """Wall time of the first one in the zone: ``YYYY-MM-DD HH:MM:SS``."""
    until: str = ""
    """Recurring: wall time after which none begins; empty for never."""
    days: tuple[int, ...] = ()
    """Recurring: days of the week, Monday is 0; empty for once."""
    minutes: int
    declared_by: str = ""
    declared_at: str = ""
    place: Place
