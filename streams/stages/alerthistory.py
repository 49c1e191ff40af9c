"""The history of alerts: written as soon as ClickHouse takes it, and only then acknowledged.

Whoever tells people does not wait for that. While ClickHouse is away, what is to be written gathers here, with the
state of the ladders that belongs to the offset which is acknowledged then.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from typing import Any

from schemas.alert import Alert
from schemas.tables import COLUMNS
from streams.batch import Partition
from streams.stages.epochs import still
from streams.stages.escalate import Ladders, Unkept
from streams.stages.store import MAX_ROWS, Store
from streams.stages.transport import BatchConsumer, Fenced

log = logging.getLogger(__name__)


@dataclass
class _Unwritten:
    """Of a partition of the alerts topic, up to an offset."""

    alerts: list[Alert] = field(default_factory=list)
    ladders: Unkept | None = None
    next_offset: int = 0


class AlertHistory:
    """``now_ms`` is the clock on the wall, UTC epoch ms."""

    def __init__(
        self, store: Store, consumer: Callable[[], BatchConsumer], now_ms: Callable[[], int], ladders: Ladders
    ) -> None:
        self.store = store
        self.consumer = consumer
        self.now_ms = now_ms
        self._epoch, self._ladders = -1, ladders
        self._unwritten: dict[Partition, _Unwritten] = {}
        self._added, self._room = asyncio.Event(), asyncio.Event()
        self._room.set()

    def enter(self, epoch: int, ladders: Ladders) -> None:
        """A new epoch: what gathered in the one before is read again by whoever owns it now."""
        self._epoch, self._ladders, self._unwritten = epoch, ladders, {}
        self._room.set()

    def add(self, partition: Partition, alerts: Sequence[Alert], next_offset: int) -> None:
        """To be written; then ``next_offset`` is to be acknowledged, with the ladders as they are now."""
        unwritten = self._unwritten.setdefault(partition, _Unwritten())
        unwritten.alerts += alerts
        unwritten.ladders = self._ladders.unkept(partition, self.now_ms()) or unwritten.ladders
        unwritten.next_offset = next_offset
        self._added.set()
        if sum(len(each.alerts) for each in self._unwritten.values()) >= MAX_ROWS:
            self._room.clear()

    async def room(self) -> None:
        """Wait while more than an insert holds is waiting already."""
        await self._room.wait()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._added.wait()
            self._added.clear()
            epoch, unwritten, self._unwritten = self._epoch, self._unwritten, {}
            self._room.set()
            try:
                await self._write(unwritten, self._ladders, epoch)
            except Fenced as fenced:
                log.info("alerts were reassigned: %s", fenced)

    async def _write(self, unwritten: Mapping[Partition, _Unwritten], ladders: Ladders, epoch: int) -> None:
        check, now_ms = still(self.consumer, epoch), self.now_ms()
        rows = [_row(alert, now_ms) for each in unwritten.values() for alert in each.alerts]
        if rows:
            columns = dict(zip(COLUMNS["alert_history"], zip(*rows, strict=True), strict=True))
            await self.store.write("alert_history", columns, check)
        offsets = {
            partition: (each.next_offset, await ladders.keep(partition, each.ladders, self.now_ms(), check))
            for partition, each in unwritten.items()
        }
        if offsets:
            await self.store.retrying("kafka", partial(self.consumer().commit_offsets, offsets, epoch), check)


def _row(alert: Alert, now_ms: int) -> tuple[Any, ...]:
    """A row of ``alert_history``, in the order of its columns."""
    identity = blake2b(repr((alert.tenant, alert.key)).encode(), digest_size=8)
    return (
        *(alert.tenant, alert.rule, alert.group, int.from_bytes(identity.digest(), "big")),
        *(alert.labels, alert.annotations, alert.state, alert.reason, alert.value),
        *(alert.active_at_ms, alert.changed_at_ms, alert.expression, now_ms),
        *(alert.step, alert.noted_at_ms, alert.author, alert.comment, alert.until_ms),
    )
