"""Error budgets: how much may go wrong, how much did, how fast, and when nothing is left. Whole numbers and fractions.

Burn rate: the share of bad among all, over the share that may be bad (Google, SRE Workbook, chapter 5).
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal, Protocol

import msgspec

from schemas.slo import Maintenance, Objective, Occurrences, Slices
from streams.slo.ledger import UNIT, Tally
from streams.slo.maintenance import Stretch, merged, outside, stretches
from streams.slo.measures import slice_minutes, weight_of
from streams.slo.windows import window_until

_CENTURY = 100 * 525_600

State = Literal["ok", "exhausted", "not enough data", "no data"]


class Minutes(Protocol):
    """What came in each minute: a :class:`streams.slo.ledger.Ledger`, or what is stored of one."""

    def tally(self, start: int, end: int) -> Tally:
        """What ``[start, end)`` amounts to."""

    def gaps(self, start: int, end: int, longer_than: int = 0) -> list[tuple[int, int]]:
        """The runs of more than so many minutes in ``[start, end)`` in which nothing came."""


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """What a stretch of time says: bad and total in units, the rest in minutes."""

    bad: int
    total: int
    seen: int
    """Anything came."""
    missing: int
    """Nothing came for longer than the objective allows."""
    excluded: int
    """By maintenance, or by want of data where the objective says so."""
    is_enough: bool
    """False: a ratio of so few events would say nothing."""

    def burn_rate(self, target: Fraction) -> Fraction | None:
        """How many times faster than allowed the budget goes; None when there is not enough data."""
        return Fraction(self.bad, self.total) / (1 - target) if self.is_enough else None


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """The budget of a window. Minutes since the epoch."""

    start: int
    end: int
    """Of a calendar window: when the next one begins."""
    target: Fraction
    observed: Observed
    allowed: Fraction
    """How much may be bad, in units. Of slices: in the whole window; of events: among those that came."""

    @property
    def state(self) -> State:
        """``no data``: nothing at all came, which is never 100 %."""
        if not self.observed.is_enough:
            return "not enough data" if self.observed.seen else "no data"
        return "ok" if self.remaining else "exhausted"

    @property
    def achieved(self) -> Fraction | None:
        """The share that was good; None when there is not enough data."""
        observed = self.observed
        return 1 - Fraction(observed.bad, observed.total) if observed.is_enough else None

    @property
    def used(self) -> Fraction | None:
        """The share of the budget that is gone, above 1 when it is overdrawn."""
        return self.observed.bad / self.allowed if self.observed.is_enough and self.allowed else None

    @property
    def remaining(self) -> Fraction | None:
        """The share of the budget that is left, from 0."""
        used = self.used
        return None if used is None else max(1 - used, Fraction(0))

    def exhausted_after(self, burn_rate: Fraction | None) -> int | None:
        """In how many minutes nothing is left, if it goes on at that rate; None: unknown, or not in a hundred years."""
        if self.remaining is None or not burn_rate:
            return None
        after = int(self.remaining * (self.end - self.start) / burn_rate)
        return after if after < _CENTURY else None


class Meter:
    """One objective, its minutes, and the maintenance that is declared."""

    def __init__(
        self, objective: Objective, ledger: Minutes, since: int, maintenance: Sequence[Maintenance] = ()
    ) -> None:
        """``since``: the minute from which on data is expected."""
        self.objective = objective
        self.ledger = ledger
        self.since = since
        self.maintenance = maintenance
        self._slice = slice_minutes(objective.method)

    def budget(self, now: int) -> Budget:
        """Of the window that the minute before belongs to, by what came up to ``now``."""
        start, end = window_until(self.objective.window, now)
        observed = self.observe(start, min(end, now))
        whole = self._capacity(start, end) if isinstance(self.objective.method, Slices) else observed.total
        allowed = whole * (1 - self.objective.target)
        return Budget(start=start, end=end, target=self.objective.target, observed=observed, allowed=allowed)

    def burn_rate(self, now: int, lookback: int) -> Fraction | None:
        """Over the last ``lookback`` minutes; None when there is not enough data."""
        return self.observe(now - lookback, now).burn_rate(self.objective.target)

    def is_in_maintenance(self, minute: int) -> bool:
        """Whether that minute is excluded."""
        return bool(stretches(self.maintenance, self.objective.service, minute, minute + 1))

    def observe(self, start: int, end: int) -> Observed:
        """What ``[start, end)`` says; of slices, those that lie in it."""
        start, end = self._inward(start, end)
        gaps, excluded = self._gaps(start, end), self._maintained(start, end)
        if self.objective.no_data.means == "excluded":
            excluded = merged([*excluded, *(self._outward(*gap) for gap in gaps)], start, end)
        tally = self.ledger.tally(start, end)
        for stretch in excluded:
            tally -= self.ledger.tally(*stretch)
        missing = [part for gap in gaps for part in outside(gap, excluded)]
        bad, total = max(tally.bad, 0), tally.total
        if self.objective.no_data.means == "breach":
            weight = self._weight(missing, total, tally.seen)
            bad, total = bad + weight, total + weight
        least = self.objective.minimum_events * UNIT if isinstance(self.objective.method, Occurrences) else 0
        return Observed(
            bad=min(bad, total),
            total=total,
            seen=tally.seen,
            missing=sum(last - first for first, last in missing),
            excluded=sum(last - first for first, last in excluded),
            is_enough=total > 0 and total >= least,
        )

    def _gaps(self, start: int, end: int) -> list[Stretch]:
        """Where nothing came for longer than allowed, also when that began before ``start``."""
        after = self.objective.no_data.after_minutes
        return merged(self.ledger.gaps(max(start - after, self.since), end, after), start, end)

    def _weight(self, missing: list[Stretch], total: int, seen: int) -> int:
        """What missing time counts: a slice for a slice; of events as many as in the mean minute that has any."""
        if not isinstance(self.objective.method, Occurrences):
            inside = (self._inward(*stretch) for stretch in missing)
            slices = sum(max(last - first, 0) // self._slice for first, last in inside)
            return slices * weight_of(self.objective.method)
        minutes = sum(last - first for first, last in missing)
        return minutes * total // seen if seen and total else minutes * UNIT

    def _maintained(self, start: int, end: int) -> list[Stretch]:
        found = stretches(self.maintenance, self.objective.service, start, end)
        return merged((self._outward(*stretch) for stretch in found), start, end)

    def _capacity(self, start: int, end: int) -> int:
        """The slices of a window that count, in units."""
        start, end = self._inward(start, end)
        excluded = sum(last - first for first, last in self._maintained(start, end))
        return max(end - start - excluded, 0) // self._slice * UNIT

    def _inward(self, start: int, end: int) -> Stretch:
        return -(-start // self._slice) * self._slice, end // self._slice * self._slice

    def _outward(self, start: int, end: int) -> Stretch:
        return start // self._slice * self._slice, -(-end // self._slice) * self._slice
