"""Rows of the raw tables, as columns in the order of their DDL (``schemas/tables/``)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.events import HealthEvent, ProcessingEvent, SecurityEvent
from schemas.tables import Coded
from streams.batch import Column, DeadLetter, RecordBatch, Rows, concatenated
from streams.ingest.repeated import STORED, Repeated
from streams.lazy import Lazy
from streams.privacy.columns import People
from streams.privacy.freetext import masked
from streams.privacy.protection import Protected

_SECURITY = (
    *("kind", "outcome", "actor", "address", "target", "action", "reason", "purpose"),
    *("encrypted", "authorized", "mfa", "attributes"),
)
_PROCESSING = (
    *("operation", "data_categories", "data_subject", "purpose", "legal_basis", "consent", "consent_id", "actor"),
    *("recipient", "location", "encrypted", "retention_days", "attributes"),
)
_PROTECTED = frozenset({"raw_security", "raw_processing"})
_HEALTH = ("component", "status", "check_duration_ms", "dependency")


class RowWriter:
    """Collects the rows of one batch; each carries where its record stands, which is what makes it unique."""

    def __init__(self, batch: RecordBatch, incarnation: str, declared_ms: int) -> None:
        self.batch = batch
        self.incarnation = incarnation
        self.declared_ms = declared_ms
        offsets = batch.offsets
        self._offsets = (
            np.arange(offsets.start, offsets.stop) if isinstance(offsets, range) else np.array(offsets, dtype=np.int64)
        )
        self._rows: dict[str, tuple[list[str], list[tuple[Any, ...]], list[int]]] = {}
        self._parts: dict[str, list[tuple[Rows, NDArray[np.int64]]]] = {}

    def located(self, columns: Rows, indexes: Sequence[int] | NDArray[np.int64]) -> Rows:
        """Add the columns that say which record each row is from, and when its batch was declared."""
        rows = len(indexes)
        once = np.zeros(rows, dtype=np.int32)
        return {
            **columns,
            "_topic": Coded(once, [self.batch.partition.topic]),
            "_partition": np.full(rows, self.batch.partition.number, dtype=np.int32),
            "_offset": self._offsets[indexes],
            "_incarnation": Coded(once, [self.incarnation]),
            "ingested_at": np.full(rows, self.declared_ms, dtype=np.int64),
        }

    def security(self, event: SecurityEvent, stored: Protected, time_ms: int, index: int) -> None:
        """A row of ``raw_security``, with what may be stored of the event."""
        self._protected("raw_security", _SECURITY, event, stored, time_ms, index)

    def processing(self, event: ProcessingEvent, stored: Protected, time_ms: int, index: int) -> None:
        """A row of ``raw_processing``, with what may be stored of the event."""
        self._protected("raw_processing", _PROCESSING, event, stored, time_ms, index)

    def repeated(self, events: Repeated, who: People) -> None:
        """Rows of ``raw_processing`` for events that are like earlier ones; ``who``: who is in them."""
        codes, kinds = events.kinds
        common = zip(STORED, zip(*[kind.stored for kind in kinds], strict=True), strict=True)
        columns: dict[str, Column] = {name: Coded(codes, values) for name, values in common}
        columns |= {"time": events.times, **who.fields, "sealed": who.secrets, "event_id": events.ids.texts}
        self._parts.setdefault("raw_processing", []).append((columns, events.indexes))

    def health(self, event: HealthEvent, time_ms: int, index: int) -> None:
        """A row of ``raw_health``."""
        data = event.data
        names = ["time", "tenant", "service", *_HEALTH, "message", "event_id", "source"]
        said = (getattr(data, name) for name in _HEALTH)
        texts = map(masked, (data.message, event.id, event.source))
        self._add("raw_health", names, (time_ms, data.tenant, data.service, *said, *texts), index)

    def dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Rows of ``dead_letters``, in the order of their offsets."""
        index_of = {offset: index for index, offset in enumerate(self.batch.offsets)}
        for letter in sorted(letters, key=lambda letter: letter.offset):
            row = (letter.reason, letter.detail, letter.value or b"", letter.record_time_ms)
            self._add("dead_letters", ["reason", "detail", "value", "record_time"], row, index_of[letter.offset])

    def tables(self) -> dict[str, Rows]:
        """Every table with rows, in the order of their records."""
        for table, (names, rows, indexes) in self._rows.items():
            columns = dict(zip(names, zip(*rows, strict=True), strict=True))
            part = _by_column(columns) if table in _PROTECTED else columns
            self._parts.setdefault(table, []).append((part, np.array(indexes)))
        return {table: self._in_order(parts) for table, parts in self._parts.items()}

    def _in_order(self, parts: Sequence[tuple[Rows, NDArray[np.int64]]]) -> Rows:
        rows = concatenated([columns for columns, _ in parts])
        indexes = np.concatenate([places for _, places in parts])
        if (np.diff(indexes) > 0).all():
            return self.located(rows, indexes)
        order = np.argsort(indexes)
        return self.located({name: _at(column, order) for name, column in rows.items()}, indexes[order])

    def _protected(
        self,
        table: str,
        fields: Sequence[str],
        event: SecurityEvent | ProcessingEvent,
        stored: Protected,
        time_ms: int,
        index: int,
    ) -> None:
        """``sealed`` has the secrets of each row, which are encrypted before it is inserted."""
        data = event.data
        names = ["time", "tenant", "service", *fields, "sealed", "event_id", "source"]
        said = map(stored.fields.__getitem__, fields)
        row = (time_ms, data.tenant, data.service, *said, stored.secrets, stored.event_id, stored.source)
        self._add(table, names, row, index)

    def _add(self, table: str, names: list[str], row: tuple[Any, ...], index: int) -> None:
        _, rows, indexes = self._rows.setdefault(table, (names, [], []))
        rows.append(row)
        indexes.append(index)


def _by_column(columns: Mapping[str, Sequence[Any]]) -> Rows:
    """As :meth:`RowWriter.repeated` has them: rows of one table may follow each other when they are inserted."""
    found: dict[str, Column] = {name: Coded(np.arange(len(column)), column) for name, column in columns.items()}
    kept = {name: list(columns[name]) for name in ("sealed", "event_id")}
    return {**found, **kept, "time": np.array(columns["time"], dtype=np.int64)}


def _at(column: Any, order: NDArray[np.intp]) -> Column:
    if isinstance(column, Coded):
        return Coded(np.asarray(column.codes)[order], column.values)
    if isinstance(column, Lazy):
        return column.some(order)
    return column[order] if isinstance(column, np.ndarray) else list(map(column.__getitem__, order.tolist()))
