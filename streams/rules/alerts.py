"""The states of the alerts of one rule: inactive → pending → firing → resolved.

As Prometheus has it (rules/alerting.go): an alert that has been active for ``for`` fires; a pending alert whose
condition ends is gone; a firing one is kept for ``keep_firing_for`` after the last time it was true, then resolved.
"""

from collections.abc import Iterator

import msgspec

from schemas.alert import Alert, AlertReason, AlertState
from schemas.failures import Rejected
from streams.promql import Labels
from streams.promql.storage import FOREVER


class Active(msgspec.Struct, kw_only=True):
    """A pending or firing alert. Times are epoch ms."""

    labels: dict[str, str]
    annotations: dict[str, str]
    value: float
    state: AlertState
    active_at_ms: int
    changed_at_ms: int
    fired_at_ms: int = 0
    """When it began to fire; 0: it has not."""
    not_true_since_ms: int | None = None
    """Set while the condition is over and ``keep_firing_for`` keeps the alert firing."""

    def told(self, tenant: str, rule: str, group: str, reason: AlertReason, expression: str = "") -> Alert:
        """It as it leaves the engine."""
        return Alert(
            tenant=tenant,
            rule=rule,
            group=group,
            labels=dict(self.labels),
            annotations=dict(self.annotations),
            state=self.state,
            reason=reason,
            value=self.value,
            active_at_ms=self.active_at_ms,
            changed_at_ms=self.changed_at_ms,
            fired_at_ms=self.fired_at_ms,
            expression=expression,
        )


class Seen(msgspec.Struct, frozen=True):
    """What an evaluation found for one label set."""

    annotations: dict[str, str]
    value: float


class Transition(msgspec.Struct, frozen=True):
    """An alert that has just entered its state, and why."""

    alert: Active
    reason: AlertReason


class AlertStates:
    """The alerts of one rule, by label set; durations in ms."""

    def __init__(self, for_ms: int, keep_firing_for_ms: int, limit: int = 0) -> None:
        self._for_ms = for_ms
        self._keep_firing_for_ms = keep_firing_for_ms
        self._limit = limit
        self._active: dict[Labels, Active] = {}

    def __len__(self) -> int:
        return len(self._active)

    def __iter__(self) -> Iterator[Active]:
        return iter(self._active.values())

    def restore(self, alerts: list[Active]) -> None:
        """Takes up alerts where an earlier process left them."""
        self._active = {Labels(alert.labels): alert for alert in alerts}

    def step(self, seen: dict[Labels, Seen], now_ms: int) -> list[Transition]:
        """The transitions of one evaluation. Raises Rejected past the limit; then no alert stays active."""
        transitions: list[Transition] = []
        for labels in [labels for labels in self._active if labels not in seen]:
            self._not_true(labels, now_ms, transitions)
        for labels, found in seen.items():
            self._true(labels, found, now_ms, transitions)
        if self._limit and len(self._active) > self._limit:
            count = len(self._active)
            self._active.clear()
            raise Rejected(f"exceeded limit of {self._limit} with {count} alerts")
        return transitions

    def next_ms(self) -> int:
        """When time alone changes the state of an alert, as long as the rule sees the same."""
        times = [alert.active_at_ms + self._for_ms for alert in self if alert.state == "pending"]
        ends = [alert.not_true_since_ms for alert in self if alert.not_true_since_ms is not None]
        times += [since_ms + self._keep_firing_for_ms for since_ms in ends]
        return min(times, default=FOREVER)

    def _true(self, labels: Labels, found: Seen, now_ms: int, transitions: list[Transition]) -> None:
        alert = self._active.get(labels)
        is_new = alert is None
        if alert is None:
            alert = self._active[labels] = Active(
                labels=dict(labels),
                annotations=found.annotations,
                value=found.value,
                state="pending",
                active_at_ms=now_ms,
                changed_at_ms=now_ms,
            )
        alert.annotations, alert.value, alert.not_true_since_ms = found.annotations, found.value, None
        held = now_ms - alert.active_at_ms >= self._for_ms
        if held and alert.state == "pending":
            self._enter(alert, "firing", "condition_true" if is_new else "held_for", now_ms, transitions)
        elif not held and (is_new or alert.state == "firing"):  # firing: the rule now has a longer `for`
            self._enter(alert, "pending", "condition_true", now_ms, transitions)

    def _not_true(self, labels: Labels, now_ms: int, transitions: list[Transition]) -> None:
        alert = self._active[labels]
        if alert.state == "firing" and self._keep_firing_for_ms:
            if alert.not_true_since_ms is None:
                alert.not_true_since_ms = now_ms
            if now_ms - alert.not_true_since_ms < self._keep_firing_for_ms:
                return
        del self._active[labels]
        over: AlertState = "resolved" if alert.state == "firing" else "inactive"
        self._enter(alert, over, "condition_false", now_ms, transitions)

    def _enter(
        self, alert: Active, state: AlertState, reason: AlertReason, now_ms: int, transitions: list[Transition]
    ) -> None:
        alert.state, alert.changed_at_ms = state, now_ms
        if state == "firing":
            alert.fired_at_ms = now_ms
        transitions.append(Transition(alert, reason))
