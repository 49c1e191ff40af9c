"""What rules would have done with history: a worker's own tenant and engine, on the clock of the events. Pure."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from schemas.alert import Alert
from streams.rules.compiled import CompiledGroup
from streams.rules.engine import RuleEngine
from streams.stored.cells import Placed
from streams.stored.samples import stored_names
from streams.windows.columns import batch
from streams.windows.history import FORGET_MS
from streams.windows.shard import PRUNE_MS
from streams.windows.sla import GAUGES
from streams.windows.tenant import Tenant

FLAP_MS = 900_000
"""An alert that fires again within a quarter of an hour of its end flaps."""


class Firing(msgspec.Struct):
    """An alert from when it fired until it resolved; epoch ms. ``resolved_at_ms``: None while it fires."""

    rule: str
    group: str
    labels: dict[str, str]
    annotations: dict[str, str]
    value: float
    active_at_ms: int
    fired_at_ms: int
    resolved_at_ms: int | None = None

    def lasted_ms(self, end_ms: int) -> int:
        """How long it fired, until ``end_ms`` at most."""
        return (self.resolved_at_ms or end_ms) - self.fired_at_ms


class Summary(msgspec.Struct):
    """One rule: how often it fired, for how long in all, and how many of those times it flapped."""

    rule: str
    group: str
    fired: int
    duration_ms: int
    flaps: int
    error: str = ""
    """Why its last evaluation failed."""


class Span(msgspec.Struct, frozen=True):
    """When to read and evaluate from; epoch ms."""

    read_ms: int
    evaluate_ms: int


def span(groups: Sequence[CompiledGroup], engine: RuleEngine, start_ms: int) -> Span:
    """What must come before ``start_ms`` so that timers, ranges and recorded series are what they would be."""
    rules = [each.rule for group in groups for each in group.rules]
    reach = max((reach_ms for _, reach_ms in engine.references()), default=0)
    warm = max((rule.for_ms + rule.keep_firing_for_ms for rule in rules), default=0)
    warm += 0 if all(rule.is_alert for rule in rules) else reach
    return Span(start_ms - warm - reach - FORGET_MS, start_ms - warm)


def names(tenant: Tenant) -> set[str] | None:
    """The stored series that the tenant's rules can reach; None: any."""
    found: set[str] = set()
    for matchers, _ in tenant.engine.references():
        exact = [m.value for m in matchers if m.name == "__name__" and m.op == "="]
        if not exact:
            return None
        found |= stored_names(exact[0])
    if found & set(GAUGES):
        indicators = tenant.settings.sla.indicators
        found |= {*indicators.requests, *indicators.errors, *indicators.latency}
    return found


def replay(tenant: Tenant, panes: Iterable[Placed], start_ms: int, end_ms: int, step_ms: int) -> Iterator[Alert]:
    """The transitions of alerts, evaluated at every multiple of ``step_ms`` in ``[start_ms, end_ms]``.

    ``panes`` come by their ends; each is seen when it has ended.
    """
    waiting = iter(panes)
    following = next(waiting, None)
    pruned_ms = start_ms
    for now in range(-(-start_ms // step_ms) * step_ms, end_ms + 1, step_ms):
        while following is not None and following[0] + following[1].pane_ms <= now:
            start, series, cell = following
            tenant.merge([series.packed()], batch([(0, start, cell)]), 0)
            following = next(waiting, None)
        yield from tenant.evaluate(now, live=False)
        if now - pruned_ms >= PRUNE_MS:
            pruned_ms = now
            tenant.prune(now)


def firings(transitions: Iterable[Alert], start_ms: int) -> list[Firing]:
    """The firings that had not ended by ``start_ms``, in order of time."""
    found: list[Firing] = []
    open_: dict[object, Firing] = {}
    for alert in transitions:
        key = (alert.group, alert.rule, alert.key)
        if alert.state == "firing":
            open_[key] = firing = Firing(
                rule=alert.rule,
                group=alert.group,
                labels=alert.labels,
                annotations=alert.annotations,
                value=alert.value,
                active_at_ms=alert.active_at_ms,
                fired_at_ms=alert.changed_at_ms,
            )
            found.append(firing)
        elif key in open_:
            open_.pop(key).resolved_at_ms = alert.changed_at_ms
    return [each for each in found if each.resolved_at_ms is None or each.resolved_at_ms >= start_ms]


def summaries(
    groups: Iterable[CompiledGroup], fired: Sequence[Firing], errors: dict[str, str], end_ms: int
) -> list[Summary]:
    """One for each alert rule, those that never fired too."""
    found = []
    for group in groups:
        for each in group.rules:
            if each.rule.is_alert or f"{group.group.key}/{each.key}" in errors:
                name, key = each.rule.name, group.group.key
                own = [firing for firing in fired if (firing.rule, firing.group) == (name, key)]
                duration = sum(firing.lasted_ms(end_ms) for firing in own)
                error = errors.get(f"{key}/{each.key}", "")
                found.append(Summary(name, key, len(own), duration, flaps(own), error))
    return found


def flaps(fired: Iterable[Firing]) -> int:
    """How many of a rule's firings came soon after one of the same labels."""
    ended: dict[tuple[tuple[str, str], ...], int] = {}
    count = 0
    for firing in fired:
        key = tuple(sorted(firing.labels.items()))
        count += key in ended and firing.fired_at_ms - ended[key] < FLAP_MS
        if firing.resolved_at_ms is not None:
            ended[key] = firing.resolved_at_ms
    return count
