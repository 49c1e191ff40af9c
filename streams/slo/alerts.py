"""Which objectives burn their budget too fast, over which windows, and when nothing will be left.

Nothing is remembered between two minutes: what is due follows from the ledger alone, so a restart changes nothing.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import msgspec

from schemas.duration import duration_text
from schemas.slo import Condition
from streams.slo.budget import Meter
from streams.slo.burnrates import BurnRate
from streams.slo.measures import COMPARE

_MINUTE_MS = 60_000


class Burning(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that is due. Times in minutes."""

    objective: str
    service: str
    alert: str
    """``BurnRate``, or the name of the condition."""
    severity: str
    windows: tuple[tuple[int, Fraction], ...]
    """(lookback, burn rate over it)."""
    threshold: Fraction
    remaining: Fraction | None
    """The share of the budget that is left."""
    exhausted_after: int | None
    """At the rate over the longest of the windows; None: it is not known."""

    @property
    def summary(self) -> str:
        """One sentence: which windows burn, how much is left, and until when."""
        windows = " and ".join(f"{float(rate):.3g}x over {_text(lookback)}" for lookback, rate in self.windows)
        left = "" if self.remaining is None else f"; {float(self.remaining):.1%} of the budget is left"
        if self.remaining == 0:
            left = "; the budget is gone"
        elif self.exhausted_after is not None:
            left += f", and gone in {_text(self.exhausted_after)}"
        return f"{self.objective} burns its budget {windows} (limit {float(self.threshold):.3g}x){left}"


def burning(meter: Meter, rates: Sequence[BurnRate], now: int) -> Iterator[Burning]:
    """The alerts of an objective that are due at that minute; none in maintenance. ``rates`` are scaled already."""
    if meter.is_in_maintenance(now - 1):
        return
    for rate in rates:
        beyond = _beyond(meter, rate, now)
        if len(beyond) == 2:
            yield _due(meter, now, "BurnRate", rate.severity, rate.factor, beyond)
    for condition in meter.objective.conditions:
        if all(_holds(meter, condition, at) for at in range(now, now - condition.after_minutes - 1, -1)):
            found = meter.burn_rate(now, condition.lookback_minutes)
            assert found is not None
            known = [(condition.lookback_minutes, found)]
            yield _due(meter, now, condition.name, condition.severity, condition.threshold, known)


def _beyond(meter: Meter, rate: BurnRate, now: int) -> list[tuple[int, Fraction]]:
    """(lookback, burn rate) of its windows, up to the first that burns no faster than the factor."""
    found: list[tuple[int, Fraction]] = []
    for lookback in (rate.short, rate.long):
        burns = meter.burn_rate(now, lookback)
        if burns is None or burns <= rate.factor:
            break
        found.append((lookback, burns))
    return found


def _holds(meter: Meter, condition: Condition, now: int) -> bool:
    found = meter.burn_rate(now, condition.lookback_minutes)
    return found is not None and COMPARE[condition.op](found, condition.threshold)


def _due(
    meter: Meter, now: int, alert: str, severity: str, threshold: Fraction, windows: list[tuple[int, Fraction]]
) -> Burning:
    budget = meter.budget(now)
    return Burning(
        objective=meter.objective.name,
        service=meter.objective.service,
        alert=alert,
        severity=severity,
        windows=tuple(windows),
        threshold=threshold,
        remaining=budget.remaining,
        exhausted_after=budget.exhausted_after(windows[-1][1]),
    )


def _text(minutes: int) -> str:
    """A duration, to the hour when it is longer than two days."""
    if minutes > 2 * 1440:
        minutes = minutes // 60 * 60
    return duration_text(minutes * _MINUTE_MS)
