"""Which alerts are escalated now: an alert climbs its ladder while it fires and nobody has it in hand.

Everything here follows from the records of the alerts topic, in their order. A step that has fallen due is first a
record of that topic, and counts once it is read there; so whoever reads the topic comes to the same state, and of two
workers that write the same step only the first is heard.

Somebody has an alert in hand while it is acknowledged, and while Alertmanager silences or inhibits it. That time does
not count; nor does a late step hasten the ones after it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from schemas.alert import HANDLING, Alert, AlertReason
from streams.alerts.ladders import LABEL, Ladder, Step, ladder_of

Identity = tuple[str, tuple[tuple[str, str], ...]]
"""Tenant and label set of an alert."""

MISSED_REPETITIONS = 4
"""An alert that has not been stated for so many resend delays is not escalated: its rule may be gone."""

_FORGOTTEN_MS = 24 * 3_600_000
"""One that has not been stated for so long is forgotten; until then a worker that was away may state it again."""

_FOREVER_MS = 2**62


class Climb(msgspec.Struct):
    """How far up its ladder a firing alert is. Times are epoch ms by the clock on the wall."""

    alert: Alert
    """As it was last stated."""
    heard_ms: int
    """When that was."""
    counted_ms: int
    """Up to when the wait is counted."""
    waited_ms: int = 0
    """How long nobody has had it in hand since the step before, or since it was first heard of."""
    taken: dict[str, int] = {}
    """Steps told, by name, and when."""
    muted: str = ""
    """``silenced`` or ``inhibited`` while Alertmanager does that."""
    acknowledged_until_ms: int = 0

    def count(self, now_ms: int) -> None:
        """Counts the wait up to now. How often it is called makes no difference."""
        if not self.muted:
            self.waited_ms += max(now_ms - max(self.counted_ms, self.acknowledged_until_ms), 0)
        self.counted_ms = max(now_ms, self.counted_ms)

    def is_in_hand(self, now_ms: int) -> bool:
        """Whether it does not climb now."""
        return bool(self.muted) or now_ms < self.acknowledged_until_ms


class Heard(NamedTuple):
    """What a record of the alerts topic says."""

    is_news: bool
    """Whether it belongs into the history: not when it repeats what has happened already."""
    tell: list[Alert]
    """What Alertmanager is to be told of."""


class Escalations:
    """The alerts of one partition of the alerts topic that have a ladder."""

    def __init__(self, ladders: Sequence[Ladder], resend_delay_ms: int = 60_000) -> None:
        self._ladders = ladders
        self._fresh_ms = MISSED_REPETITIONS * resend_delay_ms
        self.changes = 0
        """Grows with every record after which a snapshot says something else than the one before."""
        self._climbs: dict[Identity, tuple[Climb, Ladder]] = {}
        self._written: dict[Identity, AlertReason] = {}
        """What was written of an alert and not read yet: until then nothing else is decided about it."""

    def __len__(self) -> int:
        return len(self._climbs)

    def take(self, record: Alert, at_ms: int) -> Heard:
        """Take up the next record of the topic, which Kafka has had since ``at_ms``."""
        identity = (record.tenant, record.key)
        climb, ladder = self._climbs.get(identity, (None, None))
        if record.reason in HANDLING:
            if self._written.get(identity) == record.reason:
                del self._written[identity]
            if climb is None or ladder is None or climb.alert.changed_at_ms != record.changed_at_ms:
                return Heard(record.reason == "acknowledged", [])
            heard = _handle(climb, ladder, record)
            self.changes += heard.is_news
            return heard
        if climb is None or ladder is None or record.changed_at_ms > climb.alert.changed_at_ms:
            self._begin(record, identity, at_ms)
        elif record.changed_at_ms < climb.alert.changed_at_ms:
            return Heard(True, [record])  # an older state that is read again
        elif record.state == "firing":
            climb.alert, climb.heard_ms = record, at_ms
        if climb is None or ladder is None or (record.state == "firing" and climb.alert is not record):
            return Heard(True, [record])
        return Heard(True, [record, *_copies(record, climb, ladder)])

    def _begin(self, record: Alert, identity: Identity, at_ms: int) -> None:
        """A transition into another state: the climb before is over, and perhaps a new one begins."""
        if self._climbs.pop(identity, None) is not None:
            self.changes += 1
        self._written.pop(identity, None)
        ladder = ladder_of(record.labels, self._ladders)
        if record.state == "firing" and ladder is not None:
            self._climbs[identity] = Climb(record, heard_ms=at_ms, counted_ms=at_ms), ladder
            self.changes += 1

    def due(self, now_ms: int) -> list[Alert]:
        """The steps to write to the topic now, at most one an alert."""
        self._climbs = {at: each for at, each in self._climbs.items() if now_ms - each[0].heard_ms <= _FORGOTTEN_MS}
        records: list[Alert] = []
        for identity, climb, step, wait_ms in self._climbing(now_ms):
            climb.count(now_ms)
            if not climb.is_in_hand(now_ms) and climb.waited_ms >= wait_ms:
                records.append(self._write(identity, climb, "escalated", now_ms, step.name))
        return records

    def noticed(self, muted: Mapping[Identity, AlertReason], now_ms: int) -> list[Alert]:
        """The records to write, now that Alertmanager says which alerts it has ``silenced`` and ``inhibited``."""
        return [
            self._write(identity, climb, found, now_ms)
            for identity, climb, _, _ in self._climbing(now_ms)
            if (found := muted.get(identity, "released")) != (climb.muted or "released")
        ]

    def climbing(self, now_ms: int) -> list[Identity]:
        """The alerts that have another step before them, so that it matters who has them in hand."""
        return [identity for identity, *_ in self._climbing(now_ms)]

    def _climbing(self, now_ms: int) -> Iterator[tuple[Identity, Climb, Step, int]]:
        for identity, (climb, ladder) in self._climbs.items():
            following = ladder.next_after(climb.taken)
            is_stated = now_ms - climb.heard_ms <= self._fresh_ms
            if following is not None and is_stated and identity not in self._written:
                yield identity, climb, *following

    def _write(self, identity: Identity, climb: Climb, reason: AlertReason, now_ms: int, step: str = "") -> Alert:
        self._written[identity] = reason
        return msgspec.structs.replace(climb.alert, reason=reason, noted_at_ms=now_ms, step=step)

    def snapshot(self) -> bytes:
        """The whole state, for :meth:`restore`; empty when there is none."""
        climbs = [climb for climb, _ in self._climbs.values()]
        return msgspec.msgpack.encode(climbs) if climbs else b""

    def restore(self, packed: bytes) -> None:
        """Take up where a snapshot left off. Raises msgspec.DecodeError for what is none of this version."""
        self._climbs = {}
        for climb in msgspec.msgpack.decode(packed, type=list[Climb]):
            ladder = ladder_of(climb.alert.labels, self._ladders)
            if ladder is not None:
                self._climbs[climb.alert.tenant, climb.alert.key] = climb, ladder


def _handle(climb: Climb, ladder: Ladder, record: Alert) -> Heard:
    """What people and Alertmanager made of an alert that is climbing."""
    climb.count(record.noted_at_ms)
    tell: list[Alert] = []
    if record.reason == "acknowledged":
        climb.acknowledged_until_ms = record.until_ms or _FOREVER_MS
    elif record.reason == "escalated":
        if record.step in climb.taken:
            return Heard(False, [])
        climb.taken[record.step] = record.noted_at_ms
        climb.waited_ms = 0
        tell = [copy for copy in _copies(climb.alert, climb, ladder) if copy.labels[LABEL] == record.step]
    else:
        muted = "" if record.reason == "released" else record.reason
        if muted == climb.muted:
            return Heard(False, [])
        climb.muted = muted
    return Heard(True, tell)


def _copies(alert: Alert, climb: Climb, ladder: Ladder) -> list[Alert]:
    """The alert as each later step that was taken knows it; a step at once is the alert itself."""
    at_once = {step.name for step in ladder.steps if step.after_ms == 0}
    names = [name for name in climb.taken if name not in at_once]
    return [msgspec.structs.replace(alert, labels=alert.labels | {LABEL: name}) for name in names]
