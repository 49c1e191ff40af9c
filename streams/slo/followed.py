"""One objective of one tenant: its minutes, its budget, its alerts, and what of them is new."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from schemas.slo import Maintenance
from streams.promql import Labels
from streams.rules.alerts import Active, AlertStates, Seen, Transition
from streams.slo.alerts import Burning, burning
from streams.slo.budget import Meter
from streams.slo.export import plain_labels
from streams.slo.ledger import CHUNK_MINUTES, ChunkKey, ChunkState, Ledger
from streams.slo.promises import Promise

_OPEN_MINUTES = 2 * CHUNK_MINUTES
"""Minutes before now that are not packed: what is looked at every minute, and what late data changes."""


class FollowedState(msgspec.Struct, array_like=True):
    """An objective as it is kept in a snapshot."""

    objective: str
    since: int
    minutes: list[ChunkState]
    changed: list[int]
    alerts: list[Active]


class Followed:
    """Time is in minutes since the epoch. ``now``: the minute up to which objectives have been evaluated, or 0."""

    def __init__(self, promise: Promise, maintenance: Sequence[Maintenance], now: int) -> None:
        self.promise = promise
        self.ledger = Ledger(promise.measure)
        self.meter = Meter(promise.objective, self.ledger, 0, maintenance)
        self.states = AlertStates(0, 0)
        self._changed: set[int] = set()
        """Minutes to be written."""
        self._oldest = promise.oldest(now) if now else 0

    def add(self, minute: int, bad: int, total: int) -> None:
        """Something came in that minute, in units; nothing that is older than what is kept."""
        if minute < self._oldest:
            return
        self.ledger.add(minute, bad, total)
        self.meter.since = min(self.meter.since or minute, minute)
        self._changed.add(minute)

    def step(self, now: int) -> list[Transition]:
        """The transitions of its alerts at that minute; one for each name and severity, whatever windows burn."""
        seen: dict[Labels, Seen] = {}
        for due in burning(self.meter, self.promise.rates, now):
            seen.setdefault(self._labels(due), Seen(self._annotations(due, now), float(due.windows[0][1])))
        return self.states.step(seen, now * 60_000)

    def tidy(self, now: int) -> None:
        """Pack what is complete, and forget what nothing can reach any more; once a chunk."""
        self.ledger.settle(now - _OPEN_MINUTES)
        self._oldest = self.promise.oldest(now)
        self.ledger.forget(self._oldest)

    def take_changed(self, now: int) -> Iterator[tuple[int, int, int]]:
        """(minute, bad, total) of the minutes before that which have changed since the last time."""
        changed = sorted(minute for minute in self._changed if minute < now)
        self._changed.difference_update(changed)
        for minute in changed:
            yield (minute, *self.ledger.at(minute))

    def snapshot(self, references: Mapping[ChunkKey, str]) -> FollowedState:
        """What :meth:`restore` needs; ``references`` to the packed minutes that are kept elsewhere."""
        alerts = [msgspec.structs.replace(alert) for alert in self.states]
        name = self.promise.objective.name
        minutes = self.ledger.snapshot(references)
        return FollowedState(name, self.meter.since, minutes, sorted(self._changed), alerts)

    def restore(self, state: FollowedState, packed: Mapping[ChunkKey, bytes], now: int) -> None:
        """Go on from a snapshot; ``packed`` has the minutes that it refers to."""
        self.ledger.restore(state.minutes, packed)
        self.meter.since = state.since
        self._changed = set(state.changed)
        self.states.restore(state.alerts)
        self.meter.budget(now)  # opens every chunk once, here and not in the first minute

    def _labels(self, due: Burning) -> Labels:
        own = plain_labels(self.promise.objective.labels)
        names = {"alertname": due.alert, "severity": due.severity, "objective": due.objective, "service": due.service}
        return Labels({name: value for name, value in {**own, **names}.items() if value})

    def _annotations(self, due: Burning, now: int) -> dict[str, str]:
        found = {"summary": due.summary, "description": self.promise.objective.description}
        if due.exhausted_after is not None:
            gone_at = datetime.fromtimestamp((now + due.exhausted_after) * 60, UTC)
            found["exhausted_at"] = gone_at.strftime("%Y-%m-%dT%H:%MZ")
        return {name: text for name, text in found.items() if text}
