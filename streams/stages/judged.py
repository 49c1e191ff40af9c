"""Verdicts about sequences on their way from the shards to ClickHouse and to the evidence ledger.

Delivery: exactly once. What is found follows from the records of ``panes``, so who reads them again finds the same at
the same offset. The ledger, which is told in that order, refuses what names an offset that it has had. Rows are
inserted under a token with the offset, and only those that are not there yet: those of one policy about one partition
of events at a time, for the rows of other policies about the same records do not tell.
Back-pressure: none; violations are few, and no snapshot is taken until those before it are stored.
"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from schemas.config import Config
from schemas.tables import Coded
from streams.batch import Partition, Rows
from streams.compliance.sequences.board import SequenceViolation
from streams.evidence import records
from streams.evidence.records import Findings, Violation
from streams.stages.acts import publish
from streams.stages.protocol import token
from streams.stages.store import Check, Store
from streams.stages.transport import Fenced
from streams.stages.writing import InTurn

log = logging.getLogger(__name__)

Found = Sequence[tuple[str, SequenceViolation]]
"""Violations with their tenants."""


class _Waiting(NamedTuple):
    """What became certain with one record of ``panes``."""

    partition: Partition
    offset: int
    wall_ms: int
    """As that record says: all rows of an insert have the same."""
    found: Found
    check: Check


class JudgedSequences(InTurn):
    """Writes for one worker, one insert after the other."""

    def __init__(
        self, config: Config, store: Store, producer: Any, incarnations: Callable[[], Awaitable[Mapping[str, str]]]
    ) -> None:
        super().__init__()
        self.config = config
        self.store = store
        self.producer = producer
        self._learn_incarnations = incarnations
        self._waiting: deque[_Waiting] = deque()

    def add(self, partition: Partition, offset: int, wall_ms: int, found: Found, check: Check) -> None:
        """Violations that the record at ``offset`` of ``partition`` made certain."""
        if found:
            self._waiting.append(_Waiting(partition, offset, wall_ms, found, check))

    async def clear(self) -> None:
        """Let go of everything: the partitions are another's, who finds it again."""
        self._waiting.clear()
        await self.break_off()

    @property
    def _has_work(self) -> bool:
        return bool(self._waiting)

    async def _write(self) -> None:
        incarnations: Mapping[str, str] = {}
        while self._waiting:
            waiting = self._waiting[0]
            try:
                if not incarnations:
                    incarnations = await self.store.retrying("kafka", self._learn_incarnations, waiting.check)
                await self._one(waiting, incarnations[waiting.partition.topic])
            except Fenced as fenced:
                log.info("violations of sequences are left to the next owner: %s", fenced)
            self._waiting.popleft()

    async def _one(self, waiting: _Waiting, incarnation: str) -> None:
        at, offset = waiting.partition, waiting.offset
        waiting.check()
        told = list(evidence_of(at, incarnation, offset, waiting.found))
        send = partial(publish, self.producer, self.config.topics.evidence, told)
        await self.store.retrying("kafka", send, waiting.check)
        about = token(self.config.kafka.group, incarnation, at, offset, offset, "verdicts")
        for name, rows in rows_of(waiting.found, waiting.wall_ms):
            waiting.check()
            await self.store.recover("verdicts", rows, f"{about}/{name}", waiting.check)


def evidence_of(partition: Partition, incarnation: str, offset: int, found: Found) -> Iterator[Findings]:
    """What goes to the ledger: each violation names its own record, all of them the one that made them certain."""
    for tenant, of_it in groupby(sorted(found, key=lambda each: each[0]), key=lambda each: each[0]):
        violations = [_violation(violation) for _, violation in of_it]
        tally: dict[str, tuple[int, int, int]] = {}
        for violation in violations:
            for control in violation.controls:
                tally[control] = (0, tally.get(control, (0, 0, 0))[1] + 1, 0)
        about = (partition, incarnation, offset, offset)
        yield from records.in_parts(tenant, *about, violations, dict(sorted(tally.items())))


def _violation(found: SequenceViolation) -> Violation:
    policy, witness = found.policy, found.witness
    return Violation(
        witness.offset,
        found.time_ms,
        witness.service,
        policy.id,
        policy.digest,
        tuple(policy.controls),
        policy.severity,
        policy.reason,
        witness.digest,
        (witness.source, witness.incarnation),
    )


def rows_of(found: Found, wall_ms: int) -> Iterator[tuple[str, Rows]]:
    """Rows of ``verdicts``: of one policy, partition and life of a topic at a time, each with a name of its own."""

    def group(each: tuple[str, SequenceViolation]) -> tuple[str, Partition, str]:
        return each[1].policy.id, each[1].witness.source, each[1].witness.incarnation

    ordered = sorted(found, key=lambda each: (*group(each), each[1].witness.offset))
    for (policy, source, incarnation), of_it in groupby(ordered, key=group):
        yield f"{policy}/{source.topic}/{source.number}/{incarnation}", _rows(list(of_it), wall_ms)


def _rows(found: Found, wall_ms: int) -> Rows:
    controls = [
        (tenant, violation, framework, control)
        for tenant, violation in found
        for framework, listed in violation.policy.frameworks.items()
        for control in listed
    ]
    policy, witness = found[0][1].policy, found[0][1].witness
    once = np.zeros(len(controls), np.int32)
    witnesses = [violation.witness for _, violation, _, _ in controls]
    alike = {
        "policy": policy.id,
        "policy_digest": policy.digest,
        "severity": policy.severity,
        "reason": policy.reason,
        "verdict": "non_compliant",
        "_topic": witness.source.topic,
        "_incarnation": witness.incarnation,
    }
    return {
        **{name: Coded(once, [value]) for name, value in alike.items()},
        "time": np.array([violation.time_ms for _, violation, _, _ in controls], np.int64),
        "tenant": [tenant for tenant, _, _, _ in controls],
        "service": [each.service for each in witnesses],
        "framework": [framework for _, _, framework, _ in controls],
        "control": [control for _, _, _, control in controls],
        "event_type": [each.event_type for each in witnesses],
        "event_id": [each.event_id for each in witnesses],
        "event_digest": [each.digest for each in witnesses],
        "_partition": np.full(len(controls), witness.source.number, np.int32),
        "_offset": np.array([each.offset for each in witnesses], np.int64),
        "ingested_at": np.full(len(controls), wall_ms, np.int64),
    }
