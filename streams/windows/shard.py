"""One partition of ``panes``: the tenants that live in it, their common clock, and what has been merged. Pure."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from schemas.alert import Alert
from streams.batch import Partition
from streams.compliance.sequences.board import SequenceViolation
from streams.compliance.sequences.marks import Marks
from streams.windows.deltas import PaneDelta, Pulse, Record
from streams.windows.kept import Name
from streams.windows.rows import Block
from streams.windows.tenant import Tenant, TenantState
from streams.windows.watermark import Watermark, WatermarkState

OVERFLOW = "__overflow__"

PRUNE_MS = 60_000
"""Event time between two clean-ups; also the minute that objectives are evaluated by."""


class Output(NamedTuple):
    """What an advance of the clock gave."""

    rows: dict[str, list[tuple[Any, ...]]]
    """By table: what is not of closed windows."""
    alerts: list[Alert]
    violations: list[tuple[str, SequenceViolation]]
    """Of policies about sequences, each with its tenant."""
    more: bool
    """The budget ran out before the clock was reached: advance again."""


class ShardState(msgspec.Struct, array_like=True, tag=4):
    """A shard as it is kept in a snapshot; the tag is the version of the form."""

    offset: int
    merged: list[tuple[Partition, str, str, int, set[int]]]
    """(source, incarnation, tenant, last offset, parts of the delta that ends there)"""
    watermark: WatermarkState
    ticked_ms: int
    tenants: list[TenantState]


class Shard:
    """State of one ``panes`` partition, recoverable from a snapshot and the deltas after it."""

    def __init__(
        self,
        watermark: Watermark,
        evaluation_ms: int,
        new_tenant: Callable[[str], Tenant],
        most_tenants: int = 1_000,
    ) -> None:
        self.watermark = watermark
        self.evaluation_ms = evaluation_ms
        self.new_tenant = new_tenant
        self.tenants: dict[str, Tenant] = {}
        self.offset = -1
        """Offset of the last record of ``panes`` merged; rows carry the next one as their version."""
        self.wall_ms = 0
        """What the last pulse said of the clock of its reader."""
        self.most_tenants = most_tenants
        self.overflowed = 0
        """Cells and marks of tenants beyond the most that there may be, counted to the tenant :data:`OVERFLOW`."""
        self.duplicates = 0
        self.late: dict[str, tuple[int, int]] = {}
        """By source topic: observations that revised a closed window of the smallest size, and that came too late."""
        self._merged: dict[tuple[Partition, str, str], tuple[int, set[int]]] = {}
        self._ticked_ms = 0

    def merge(self, record: Record, offset: int) -> None:
        """Merge the record at ``offset``."""
        self.offset = offset
        if isinstance(record, PaneDelta):
            self._delta(record)
        elif isinstance(record, Marks):
            self._marks(record)
        else:
            self._pulse(record)

    def _pulse(self, record: Pulse) -> None:
        self.wall_ms = record.wall_ms
        for partition, high_ms, wall_ms in record.seen:
            self.watermark.observe(partition, high_ms, wall_ms)
        for partition in record.expected:
            self.watermark.expect(partition, record.wall_ms)
        for partition in record.idle:
            self.watermark.idle(partition, record.wall_ms)

    def _delta(self, delta: PaneDelta) -> None:
        if self._is_known(delta):
            return
        reached = self.watermark.reached()
        tenant = self.tenant(delta.tenant)
        self.overflowed += len(delta.cells.starts) if tenant.name != delta.tenant else 0
        revised, dropped = tenant.late()
        tenant.merge(delta.series, delta.cells, reached)
        self._count_late(delta.source.topic, tenant.late(), (revised, dropped))
        if not reached and len(delta.cells.starts):
            first = int(delta.cells.starts.min())
            self._ticked_ms = min(self._ticked_ms or first, first - first % self.evaluation_ms)

    def _marks(self, marks: Marks) -> None:
        if self._is_known(marks):
            return
        tenant = self.tenant(marks.tenant)
        if tenant.name == marks.tenant:
            tenant.sequences.merge(marks, self.watermark.reached())
        else:  # of many tenants together, no sequence would mean anything
            self.overflowed += len(marks.marks)

    def _is_known(self, record: PaneDelta | Marks) -> bool:
        """Whether what it covers was merged before: its batch was repeated after a crash."""
        key = (record.source, record.incarnation, record.tenant)
        last, parts = self._merged.get(key, (-1, set()))
        if record.last < last or (record.last == last and record.part in parts):
            self.duplicates += 1
            return True
        self._merged[key] = (record.last, parts | {record.part} if record.last == last else {record.part})
        return False

    def _count_late(self, topic: str, after: tuple[int, int], before: tuple[int, int]) -> None:
        known = self.late.get(topic, (0, 0))
        self.late[topic] = (known[0] + after[0] - before[0], known[1] + after[1] - before[1])

    def tenant(self, name: str) -> Tenant:
        """The tenant of that name, new if it was not known; another when there are too many."""
        tenant = self.tenants.get(name)
        if tenant is None:
            if len(self.tenants) >= self.most_tenants:
                name = OVERFLOW
            tenant = self.tenants[name] = self.tenants.get(name) or self.new_tenant(name)
        return tenant

    def advance(self, budget: int) -> Output:
        """Let event time pass up to the watermark: evaluate rules at every tick (at most ``budget``), close windows."""
        reached, step = self.watermark.reached(), self.evaluation_ms
        alerts: list[Alert] = []
        last = reached - reached % step
        if not self.tenants or not self._ticked_ms:
            self._ticked_ms = last
        while self._ticked_ms < last and budget > 0:
            self._ticked_ms = self._following(last)
            budget -= 1
            for tenant in self.tenants.values():
                alerts += tenant.evaluate(self._ticked_ms, self._ticked_ms == last)
            if self._ticked_ms % PRUNE_MS < step:
                for tenant in self.tenants.values():
                    tenant.prune(self._ticked_ms)
        more = self._ticked_ms < last
        closing = min(reached, self._ticked_ms + step) if more else reached
        rows: dict[str, list[tuple[Any, ...]]] = {}
        for tenant in self.tenants.values():
            tenant.close(closing)
            for table, found in tenant.rows(closing, self.offset + 1):
                rows.setdefault(table, []).extend(found)
        violations = [(name, found) for name, tenant in self.tenants.items() for found in tenant.take_violations()]
        return Output(rows, alerts, violations, more)

    def _following(self, last_ms: int) -> int:
        """The next tick at which anything can change, clean-ups being due too; those before it are passed over."""
        now, step = self._ticked_ms, self.evaluation_ms
        change = min(last_ms, (now // PRUNE_MS + 1) * PRUNE_MS)
        for tenant in self.tenants.values():
            if change <= now + step:
                break
            change = min(change, tenant.next_ms(now))
        tick = max(change + -change % step, now + step)
        if tick > now + step:
            for tenant in self.tenants.values():
                tenant.pass_over(now, tick)
        return tick

    @property
    def ready(self) -> bool:
        """Whether there are rows of closed windows to take."""
        return any(tenant.windows.ready for tenant in self.tenants.values())

    def blocks(self) -> Iterator[Block]:
        """The new and changed rows of closed windows, a window at a time. What is not taken now waits."""
        for tenant in self.tenants.values():
            if tenant.windows.ready:
                yield from tenant.blocks(self.offset + 1)

    def active(self) -> list[Alert]:
        """Alerts that are pending or firing."""
        return [alert for tenant in self.tenants.values() for alert in tenant.active()]

    def packed(self) -> dict[Name, bytes]:
        """What :meth:`snapshot` need not contain, and what never changes."""
        return {name: packed for tenant in self.tenants.values() for name, packed in tenant.packed().items()}

    def snapshot(self, references: Mapping[Name, str] | None = None) -> bytes:
        """Everything but what is packed and kept elsewhere, with ``references`` to that."""
        state = ShardState(
            self.offset,
            [(*key, *covered) for key, covered in self._merged.items()],
            self.watermark.snapshot(),
            self._ticked_ms,
            [tenant.snapshot(references or {}) for tenant in self.tenants.values()],
        )
        return msgspec.msgpack.encode(state)

    def restore(self, state: ShardState, packed: Mapping[Name, bytes] | None = None) -> None:
        """Go on from a snapshot; ``packed`` has what it refers to."""
        self.offset = state.offset
        self._merged = {(source, run, tenant): (last, parts) for source, run, tenant, last, parts in state.merged}
        self.watermark.restore(state.watermark)
        self._ticked_ms = state.ticked_ms
        for known in state.tenants:
            self.tenant(known.name).restore(known, packed or {})


def references(state: ShardState) -> dict[Name, str]:
    """What a snapshot refers to, and where that is."""
    return {name: reference for kept in state.tenants for name, reference in kept.references()}
