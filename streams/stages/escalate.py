"""The ladders of the alerts that this worker tells of: taken up, moved on by the clock, and kept with the offset.

Delivery: a step is first a record of the alerts topic, and takes effect when it is read there, so a worker that dies in
between loses none and repeats none. The state after a record is kept as a snapshot that the commit of its offset names.
Back-pressure: while no Alertmanager answers, what was last known of silences holds, and steps are written on.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec

from schemas.alert import Alert, AlertReason
from schemas.config import Config
from sinks.alertmanager import AlertmanagerSink, ShownLabels, shown_labels
from streams.alerts.escalation import Escalations, Heard, Identity
from streams.alerts.ladders import Ladder
from streams.batch import Partition
from streams.stages import snapshots
from streams.stages.alertlog import publish
from streams.stages.snapshots import Located, Lost
from streams.stages.store import Check, Store
from streams.stages.transport import BatchConsumer

log = logging.getLogger(__name__)

_KEPT_FOR_MS = 3_600_000
"""After so long an unchanged snapshot is written again, before the topic lets go of it."""


class _Kept(msgspec.Struct, frozen=True):
    """The snapshot that the last commit of a partition named: after how many changes, and when it was written."""

    changes: int = -1
    metadata: str = ""
    at_ms: int = 0


class Unkept(NamedTuple):
    """The state of a partition after so many changes, to be kept; empty: there is none."""

    changes: int
    packed: bytes


class Ladders:
    """The escalations of the partitions of the alerts topic that one epoch gave this worker."""

    def __init__(
        self, config: Config, ladders: Sequence[Ladder], sink: AlertmanagerSink, store: Store, producer: Any
    ) -> None:
        self.config = config
        self.sink = sink
        self.store = store
        self.producer = producer
        self._new: Callable[[], Escalations] = lambda: Escalations(
            ladders, round(config.alertmanager.resend_delay * 1000)
        )
        self._of: dict[Partition, Escalations] = {}
        self._kept: dict[Partition, _Kept] = {}

    async def take_up(self, consumer: BatchConsumer, check: Check) -> None:
        """Where the owner before left them; those whose snapshot is lost begin anew when they are stated again."""
        owned = [partition for partition in consumer.owned if partition.topic == self.config.topics.alerts]
        committed = await self.store.retrying("kafka", lambda: consumer.committed(owned), check)
        for partition in owned:
            self._of[partition], self._kept[partition] = self._new(), _Kept()
            _, metadata = committed.get(partition, (0, ""))
            if metadata:
                await self._restore(partition, Located.parse(metadata), check)
        check()

    async def _restore(self, partition: Partition, located: Located, check: Check) -> None:
        async def attempt() -> bytes:
            try:
                return await snapshots.read(self.config, partition.number, located)
            except Lost as lost:
                log.warning("the ladders of %s begin anew: %s", partition, lost)
                return b""

        if packed := await self.store.retrying("kafka", attempt, check):
            self._of[partition].restore(packed)

    def take(self, partition: Partition, alert: Alert, at_ms: int) -> Heard:
        """The next record of a partition, which Kafka has had since ``at_ms``."""
        return self._of[partition].take(alert, at_ms)

    async def advance(self, now_ms: int, check: Check) -> None:
        """Ask who has alerts in hand, and write the steps that are due. Raises what ``check`` raises."""
        climbing = {each: found for each in self._of.values() if (found := each.climbing(now_ms))}
        if not climbing:
            return
        in_hand = await self.sink.muted()
        check()
        records: list[Alert] = []
        for each, identities in climbing.items():
            if in_hand is not None:
                records += each.noticed(_muted(identities, in_hand), now_ms)
            records += each.due(now_ms)
        if records:
            send = partial(publish, self.producer, self.config.topics.alerts, records)
            await self.store.retrying("kafka", send, check)

    def unkept(self, partition: Partition, now_ms: int) -> Unkept | None:
        """The state of a partition as it is after the records taken so far; None when it is kept already."""
        state, kept = self._of[partition], self._kept[partition]
        if state.changes == kept.changes and now_ms - kept.at_ms <= _KEPT_FOR_MS:
            return None
        return Unkept(state.changes, state.snapshot())

    async def keep(self, partition: Partition, unkept: Unkept | None, now_ms: int, check: Check) -> str:
        """Keep a state of a partition; the metadata to commit with the offset that it belongs to."""
        if unkept is not None:
            metadata = ""
            if unkept.packed:
                to = (self.producer, self.config.topics.snapshots, partition.number)
                write = partial(snapshots.store, *to, unkept.packed)
                metadata = (await self.store.retrying("kafka", write, check)).metadata()
            self._kept[partition] = _Kept(unkept.changes, metadata, now_ms)
        return self._kept[partition].metadata


def _muted(identities: Iterable[Identity], muted: Mapping[ShownLabels, AlertReason]) -> dict[Identity, AlertReason]:
    """Which of these alerts Alertmanager silences or inhibits."""
    found = ((identity, muted.get(shown_labels(identity[0], dict(identity[1])))) for identity in identities)
    return {identity: reason for identity, reason in found if reason is not None}
