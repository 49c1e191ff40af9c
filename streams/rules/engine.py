"""Evaluates rule groups at their intervals and follows the states of their alerts.

One engine serves one tenant. Time is event time and arrives as an argument.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

import msgspec

from schemas.alert import Alert
from schemas.failures import Rejected
from streams.promql import MemoryStorage, Resolver, Storage
from streams.promql.moment import DEFAULT_STEP_MS, LOOKBACK_MS, Memory, Selection
from streams.promql.storage import FOREVER
from streams.rules.alerts import Active
from streams.rules.compiled import CompiledGroup
from streams.rules.recorded import Recorded, RecordedSeries, Stored
from streams.rules.running import Outside, RunningRule, Surroundings

_FORGET_EVERY_MS = 60_000


class Snapshot(msgspec.Struct):
    """The state of an engine, to be kept over a restart: msgspec can encode and decode it."""

    alerts: dict[str, list[Active]]
    """By rule: ``file;group/rule``."""
    recorded: list[RecordedSeries]
    evaluated_at_ms: dict[str, int]
    """By group: ``file;group``."""
    written: dict[str, list[dict[str, str]]] = {}
    """The series that each rule gave last time, by rule."""


class RuleEngine:
    """The rules of one tenant.

    ``default_interval_ms``: for groups that name none. ``external_url``: where users reach the worker; templates see
    it, and ``external_labels``. ``keep_recorded_ms``: how long the series that rules write are kept, if no rule reaches
    back further. ``store_recorded_every_ms``: how far apart samples of recording rules stand that ``take_recorded``
    gives. ``errors``: why a rule's last evaluation failed, by ``file;group/rule``; ``failures``
    counts them all.
    """

    def __init__(
        self,
        groups: Sequence[CompiledGroup],
        tenant: str,
        default_interval_ms: int = 1000,
        external_url: str = "",
        external_labels: Mapping[str, str] | None = None,
        subquery_step_ms: int = DEFAULT_STEP_MS,
        keep_recorded_ms: int = LOOKBACK_MS,
        store_recorded_every_ms: int = 0,
    ) -> None:
        self._groups = groups
        self._tenant = tenant
        self._default_interval_ms = default_interval_ms
        self._outside = Outside(external_url, external_labels or {})
        self._subquery_step_ms = subquery_step_ms
        self._recorded = Recorded(self.references(), keep_recorded_ms, store_recorded_every_ms)
        self._rules = {
            group.group.key: [RunningRule(rule, group.group, self._interval_of(group)) for rule in group.rules]
            for group in groups
        }
        self._evaluated_at_ms: dict[str, int] = {}
        self._forgot_at_ms = 0
        self._storage: Storage | None = None
        self._resolver: Resolver | None = None
        self._memories: dict[int, Memory] = {}
        """By how far the evaluations look back from now: query_offset."""
        self.errors: dict[str, str] = {}
        self.failures = 0

    @property
    def recorded(self) -> MemoryStorage:
        """The series that the rules write: recording rules, ``ALERTS``, ``ALERTS_FOR_STATE``."""
        return self._recorded.storage

    def take_recorded(self) -> list[Stored]:
        """What recording rules gave since the last time, to be stored."""
        return self._recorded.take()

    def evaluated_at_ms(self, group: str) -> int | None:
        """When a group (``file;group``) was last evaluated; None: not yet."""
        return self._evaluated_at_ms.get(group)

    def references(self) -> list[Selection]:
        """What the rules read: matchers, and how far back in ms before the evaluation."""
        found: dict[tuple[Any, ...], int] = {}
        for group in self._groups:
            for rule in group.rules:
                for matchers, reach_ms in rule.expression.selectors():
                    reach = reach_ms + group.group.query_offset_ms
                    found[tuple(matchers)] = max(reach, found.get(tuple(matchers), 0))
        return list(found.items())

    def evaluate(self, now_ms: int, storage: Storage) -> list[Alert]:
        """Evaluates the groups that are due, each at the latest multiple of its interval; gives the transitions.

        A group that has already been evaluated at that time is not evaluated again. A rule that fails leaves its
        alerts as they are and does not stop the others. A rule whose series did not change is not evaluated again
        before time alone can change what it finds; it goes on with that.
        """
        transitions: list[Alert] = []
        resolver = self._resolver_of(storage)
        for group in self._groups:
            at_ms = now_ms // self._interval_of(group) * self._interval_of(group)
            if at_ms <= self._evaluated_at_ms.get(group.group.key, at_ms - 1):
                continue
            self._evaluated_at_ms[group.group.key] = at_ms
            # What was found when the clock of the series stood elsewhere cannot be used at this time, nor the reverse.
            lag_ms = group.group.query_offset_ms
            memory = self._memories.setdefault(lag_ms, {}) if at_ms == now_ms else None
            surroundings = Surroundings(resolver, self._recorded, self._outside, memory)
            for rule in self._rules[group.group.key]:
                transitions += self._evaluate_rule(rule, at_ms, surroundings)
        if now_ms - self._forgot_at_ms >= _FORGET_EVERY_MS:
            self._recorded.forget(now_ms)
            self._forgot_at_ms = now_ms
        return transitions

    def _interval_of(self, group: CompiledGroup) -> int:
        return group.group.interval_ms or self._default_interval_ms

    def _resolver_of(self, storage: Storage) -> Resolver:
        if self._resolver is None or self._storage is not storage:
            self._storage = storage
            self._resolver = Resolver(storage, self._recorded.storage, step_ms=self._subquery_step_ms, follows=True)
            self._memories.clear()
        return self._resolver

    def _evaluate_rule(self, rule: RunningRule, at_ms: int, surroundings: Surroundings) -> list[Alert]:
        try:
            transitions = rule.evaluate(surroundings, at_ms)
        except Rejected as error:
            self.errors[rule.key] = str(error)
            self.failures += 1
            return []
        if self.errors:
            self.errors.pop(rule.key, None)
        return [rule.alert(each.alert, each.reason, self._tenant) for each in transitions]

    def next_ms(self, now_ms: int) -> int:
        """The earliest time after ``now_ms``, the last evaluation, at which another can give or write something new.

        That is, unless something is added to the series before. What would only be written again counts as nothing new:
        see :meth:`pass_over`.
        """
        return min((self._next_of(group, now_ms) for group in self._groups), default=FOREVER)

    def _next_of(self, group: CompiledGroup, now_ms: int) -> int:
        interval = self._interval_of(group)
        at_ms, rules = self._evaluated_at_ms.get(group.group.key), self._rules[group.group.key]
        if at_ms is None:
            return now_ms + 1
        due = now_ms // interval * interval + interval
        if not all(rule.rested for rule in rules):
            return due
        changes = min((rule.next_ms(at_ms) for rule in rules), default=FOREVER)
        return max(due, changes + -changes % interval)

    def pass_over(self, until_ms: int) -> None:
        """Writes what evaluations before that time would write, when none of them could give anything new."""
        reached_ms = until_ms - self._recorded.reach_ms
        writing: list[list[RunningRule]] = []
        passed: list[Iterable[tuple[int, int]]] = []
        for group in self._groups:
            times = self._instants(group, until_ms)
            rules = [rule for rule in self._rules[group.group.key] if rule.writes]
            if times:
                self._evaluated_at_ms[group.group.key] = times[-1]
            within = times[max((reached_ms - times.start) // times.step, 0) :] if rules else ()
            passed.append(zip(within, repeat(len(writing))))
            writing.append(rules)
        for at_ms, index in heapq.merge(*passed):
            for rule in writing[index]:
                rule.repeat(self._recorded, at_ms)

    def _instants(self, group: CompiledGroup, until_ms: int) -> range:
        """When a group is due after its last evaluation and before that time."""
        interval, last = self._interval_of(group), self._evaluated_at_ms.get(group.group.key)
        return range(last + interval, until_ms, interval) if last is not None else range(0)

    def active(self) -> list[Alert]:
        """The alerts that are pending or firing now, for sending them again."""
        return [
            rule.alert(active, "resend", self._tenant)
            for rules in self._rules.values()
            for rule in rules
            for active in rule.states
        ]

    def snapshot(self) -> Snapshot:
        """The state as it is now; later evaluations do not change it."""
        alerts = {rule.key: [msgspec.structs.replace(active) for active in rule.states] for rule in self._all_rules()}
        recorded = self._recorded.snapshot()
        return Snapshot(
            {key: found for key, found in alerts.items() if found},
            recorded,
            dict(self._evaluated_at_ms),
            self._recorded.written(),
        )

    def restore(self, state: Any) -> None:
        """Takes up a snapshot, or what decoding one gave. Alerts of rules that are gone are left out."""
        snapshot = state if isinstance(state, Snapshot) else msgspec.convert(state, Snapshot)
        for rule in self._all_rules():
            rule.states.restore([msgspec.structs.replace(active) for active in snapshot.alerts.get(rule.key, [])])
        self._recorded.restore(snapshot.recorded, snapshot.written)
        self._evaluated_at_ms = dict(snapshot.evaluated_at_ms)

    def _all_rules(self) -> list[RunningRule]:
        return [rule for rules in self._rules.values() for rule in rules]
