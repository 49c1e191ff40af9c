"""Watches the protocol while it runs: what is read and declared begins where the last of it ended, and never goes back.

It changes nothing. What it sees is counted in ``tidewatch_protocol_anomalies_total`` and logged as an error: a ``gap``
(records that retention or a defect took before they were read), an ``overlap`` (records that are written twice), or a
step ``backward`` (committed offsets that were lost, or came late). See docs/exactly-once.md.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from streams.batch import Partition, RecordBatch
from streams.stages.protocol import declared

Committed = Mapping[Partition, tuple[int, str]]


class Anomaly(NamedTuple):
    """Something that the protocol rules out."""

    kind: str
    """``gap``, ``overlap`` or ``backward``."""
    text: str


class Audit:
    """What one worker knows of the partitions that it has and had."""

    def __init__(self) -> None:
        self._read: dict[Partition, int] = {}
        """Where to read on."""
        self._declared: dict[Partition, int] = {}
        """Where the next declaration begins."""
        self._acknowledged: dict[tuple[Partition, str], int] = {}
        """By partition and incarnation: the highest offset that this worker has committed, in any epoch."""

    def enter(self, committed: Committed, incarnations: Mapping[str, str]) -> Iterator[Anomaly]:
        """A new epoch, with what the group has committed of our partitions."""
        self._read = {at: offset for at, (offset, _) in committed.items()}
        self._declared = dict(self._read)
        for at, (offset, metadata) in committed.items():
            known = self._acknowledged.get((at, incarnations[at.topic]), 0)
            if offset < known:
                yield _anomaly("backward", at, f"offset {offset} is committed, after {known} was")
            batch = declared(offset, metadata)
            if batch is not None and batch.last < batch.first:
                yield _anomaly("backward", at, f"a batch is declared from {batch.first} to {batch.last}")

    def read(self, batch: RecordBatch) -> Iterator[Anomaly]:
        """A batch has come from Kafka. A seek delivers records again, which is no overlap."""
        at, after = batch.partition, self._read.get(batch.partition)
        if after is not None and batch.begins > after:
            self._declared[at] = batch.begins  # told once
            yield _anomaly("gap", at, f"records {after} to {batch.begins - 1} were not there to be read")
        self._read[at] = max(batch.next_offset, after or 0)

    def declares(self, batch: RecordBatch) -> Iterator[Anomaly]:
        """A batch is about to be declared."""
        at, first, after = batch.partition, batch.offsets[0], self._declared.get(batch.partition)
        self._declared[at] = batch.next_offset
        if after is not None and first < after:
            yield _anomaly("overlap", at, f"a batch begins at {first}, the last one ended at {after - 1}")
        if after is not None and batch.begins > after:
            yield _anomaly("gap", at, f"records {after} to {batch.begins - 1} were read and never declared")

    def committed(self, offsets: Committed, incarnations: Mapping[str, str]) -> None:
        """The group has stored these."""
        for at, (offset, _) in offsets.items():
            self._acknowledged[at, incarnations[at.topic]] = offset


def _anomaly(kind: str, at: Partition, text: str) -> Anomaly:
    return Anomaly(kind, f"{kind} in {at.topic}-{at.number}: {text}")
