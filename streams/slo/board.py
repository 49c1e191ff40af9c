"""The objectives of one tenant: counted as series come, evaluated after every minute of event time. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from schemas.alert import Alert, AlertReason
from schemas.failures import Rejected
from streams.promql.moment import Resolver
from streams.rules.alerts import Active
from streams.slo.budget import Budget
from streams.slo.followed import Followed, FollowedState
from streams.slo.intake import Amount
from streams.slo.ledger import CHUNK_MINUTES, ChunkKey
from streams.slo.promises import Promise, Promises
from streams.slo.rows import budget_row, minute_row
from streams.windows.panes import Cell, Series

MINUTE_MS = 60_000
REMAINING, BURN_RATE = "slo:period_error_budget_remaining:ratio", "slo:current_burn_rate:ratio"
CURRENT_MINUTES = 5
"""What the series ``BURN_RATE`` looks back on, here as in the exported rules."""


class BoardState(msgspec.Struct, array_like=True):
    """The objectives of a tenant as they are kept in a snapshot."""

    minute: int
    followed: list[FollowedState]


class Board:
    """Follows an objective from the first thing that comes to it: what a tenant does not have is not evaluated."""

    def __init__(self, promises: Promises, tenant: str) -> None:
        self.promises = promises
        self.tenant = tenant
        self.minute = 0
        """Minutes since the epoch: up to which one everything has been evaluated; 0: nothing yet."""
        self.failures = 0
        """Queries that the data made impossible."""
        self.gauges: list[tuple[Series, int, float]] = []
        """Series that rules can see: (series, at, value) of the last evaluation."""
        self._followed: dict[str, Followed] = {}
        self._takers: dict[int, tuple[Series, list[tuple[Followed, Amount]]]] = {}
        """By number of the catalogue; a number may come to stand for another series."""
        self._budgets: list[tuple[Followed, int, Budget, Any]] = []

    def wants(self, series: Series) -> bool:
        """Whether any objective takes the panes of a series."""
        return bool(self.promises.takers(series))

    def take(self, number: int, series: Series, start_ms: int, cell: Cell) -> None:
        """A pane of a series, which has that number in the catalogue."""
        if not self.promises.all:
            return
        known = self._takers.get(number)
        if known is None or known[0] is not series:
            takers = [(self.follow(promise), amount) for promise, amount in self.promises.takers(series)]
            known = self._takers[number] = series, takers
        for followed, amount in known[1]:
            followed.add(start_ms // MINUTE_MS, *amount(cell))

    def evaluate(self, now_ms: int, resolver: Resolver) -> list[Alert]:
        """Evaluate the minutes that have ended by then, each once; the transitions of alerts."""
        last = now_ms // MINUTE_MS
        transitions: list[Alert] = []
        self.gauges = []
        for minute in range(self.minute + 1 if self.minute else last, last + 1):
            self._ask(minute, resolver)
            for followed in self._in_order():
                transitions += self._step(followed, minute)
            self.minute = minute
        return transitions

    def minute_rows(self, version: int) -> Iterator[tuple[Any, ...]]:
        """Rows of ``objective_minutes`` that are new or have changed, in the order of its columns."""
        for followed in self._in_order():
            for minute, bad, total in followed.take_changed(self.minute):
                yield minute_row(self.tenant, followed.promise.objective, version, minute, bad, total)

    def budget_rows(self, version: int) -> Iterator[tuple[Any, ...]]:
        """Rows of ``objective_budgets`` since the last time, in the order of its columns."""
        budgets, self._budgets = self._budgets, []
        for followed, minute, budget, burn_rate in budgets:
            yield budget_row(self.tenant, followed.promise.objective, version, minute, budget, burn_rate)

    def active(self) -> list[Alert]:
        """The alerts that are firing now, for sending them again."""
        return [
            self._alert(followed.promise, active, "resend")
            for followed in self._in_order()
            for active in followed.states
        ]

    def packed(self) -> dict[str, dict[ChunkKey, bytes]]:
        """By objective: minutes that are packed, and need not be in a snapshot."""
        return {name: followed.ledger.packed() for name, followed in self._followed.items()}

    def snapshot(self, references: Mapping[str, Mapping[ChunkKey, str]]) -> BoardState:
        """What :meth:`restore` needs; ``references`` to the packed minutes that are kept elsewhere, by objective."""
        found = [
            followed.snapshot(references.get(followed.promise.objective.name, {})) for followed in self._in_order()
        ]
        return BoardState(self.minute, found)

    def restore(self, state: BoardState, packed: Mapping[str, Mapping[ChunkKey, bytes]]) -> None:
        """Go on from a snapshot. What is known of objectives that are no longer there is left out."""
        self.minute = state.minute
        known = {kept.objective: kept for kept in state.followed}
        for promise in self.promises.all:
            name = promise.objective.name
            if name in known:
                self.follow(promise).restore(known[name], packed.get(name, {}), self.minute)

    def follow(self, promise: Promise) -> Followed:
        """The objective of this tenant, new if nothing came to it before."""
        name = promise.objective.name
        if name not in self._followed:
            self._followed[name] = Followed(promise, self.promises.maintenance, self.minute)
        return self._followed[name]

    def _in_order(self) -> Iterator[Followed]:
        """In the order of the files, whatever came first."""
        if self._followed:
            for promise in self.promises.all:
                if promise.objective.name in self._followed:
                    yield self._followed[promise.objective.name]

    def _ask(self, minute: int, resolver: Resolver) -> None:
        for promise in self.promises.asking:
            try:
                answer = promise.intake.ask(resolver, minute * MINUTE_MS)
            except Rejected:
                self.failures += 1
                continue
            if answer is not None:
                self.follow(promise).add(minute - 1, *answer)

    def _step(self, followed: Followed, minute: int) -> list[Alert]:
        if minute % CHUNK_MINUTES == 0:
            followed.tidy(minute)
        budget = followed.meter.budget(minute)
        self._budgets.append((followed, minute, budget, followed.meter.burn_rate(minute, 60)))
        self._show(followed, minute, budget)
        return [self._alert(followed.promise, each.alert, each.reason) for each in followed.step(minute)]

    def _show(self, followed: Followed, minute: int, budget: Budget) -> None:
        objective = followed.promise.objective
        burns, used = followed.meter.burn_rate(minute, CURRENT_MINUTES), budget.used
        labels = (("objective", objective.name), ("service", objective.service))
        for name, value in ((REMAINING, None if used is None else 1 - used), (BURN_RATE, burns)):
            if value is not None:
                self.gauges.append((Series(name, "gauge", labels, MINUTE_MS), minute * MINUTE_MS, float(value)))

    def _alert(self, promise: Promise, active: Active, reason: AlertReason) -> Alert:
        group = f"{promise.objective.place.file};slo:{promise.objective.name}"
        return active.told(self.tenant, active.labels["alertname"], group, reason)
