"""A batch of records becomes raw rows, verdicts, pane deltas and dead letters: the hot path, and pure.

The result depends on the records and on ``declared_ms`` alone, so a batch repeated after a crash gives the same rows
under the same deduplication token.

Nothing is done for a record that can be done for a batch: the bytes of a fetch stay where they are
(:mod:`streams.ingest.framing`), records are cut and recognised by columns (:mod:`streams.ingest.cutting`,
:mod:`streams.ingest.recognise`), folded by columns (:mod:`streams.ingest.fold`), and leave as columns, most of them a
number for each row and the distinct texts. Microseconds of processor time an event, as printed by ``make bench-steps``:

     0.59  values from the record batches (zstd)
     0.51  values from the record batches (lz4)
     0.78  recognise: ids, times, values, series
     0.09  fold into panes
     0.01  deltas
     1.02  all of Ingest, with rows as columns
     0.01  pack the deltas
     0.12  unpack the deltas and merge them
     0.12  rows to Arrow
     0.23  rows to Arrow, lz4
     1.92  rows to Arrow and into chDB
     2.82  ceiling: values, decoded by msgspec
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple, cast

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas import cloudevents
from schemas.config import Limits, Windows
from schemas.events import DEFAULT_TENANT, HealthEvent, ProcessingEvent, SecurityEvent
from schemas.failures import Rejected
from schemas.tables import Coded
from streams.batch import Column, DeadLetter, RecordBatch, Rows
from streams.compliance.sequences.marking import MarkedEvents, Marker
from streams.compliance.sequences.marks import Marks
from streams.evidence.records import Findings
from streams.ingest import decode
from streams.ingest.counted import counted, joined
from streams.ingest.findings import findings
from streams.ingest.fold import cells, deltas, distinct
from streams.ingest.judged import Alike, Judged, JudgedEvents, digests_of
from streams.ingest.made import MadeSeries
from streams.ingest.marked import mark_repeated
from streams.ingest.observed import Observed, in_order
from streams.ingest.recognise import Recogniser
from streams.ingest.repeated import Judge, Repeated, Repeats
from streams.ingest.rows import RowWriter
from streams.privacy.columns import people
from streams.privacy.freetext import is_harmless_by_form, masked
from streams.privacy.protection import UNKEYED, Protection
from streams.privacy.refused import hidden
from streams.texts import Texts
from streams.windows.columns import Batch
from streams.windows.deltas import PaneDelta
from streams.windows.series import SeriesTable, labels_text, rule_name

EARLIEST_MS, LATEST_MS = (round(limit.timestamp() * 1000) for limit in (cloudevents.EARLIEST, cloudevents.LATEST))

_SOME = 1_000
"""Records that are decoded, and learned from, before the rest of a batch is looked at again."""


class Ingested(NamedTuple):
    """What one batch becomes. ``raw`` maps a table to its rows; tables without rows are left out."""

    raw: dict[str, Rows]
    deltas: list[PaneDelta]
    dead: list[DeadLetter]
    events: dict[str, int]
    """Accepted events by type."""
    high_ms: int
    """The highest event time accepted, epoch ms; 0 when nothing was."""
    findings: Sequence[Findings] = ()
    """For the evidence ledger."""
    marks: Sequence[Marks] = ()
    """For the policies about sequences."""


class Ingest:
    """Folds batches; keeps only caches between them, so that any worker gives the same result for a batch."""

    def __init__(
        self,
        windows: Windows,
        limits: Limits,
        judge: Judge,
        protect: Protection = UNKEYED,
        marker: Marker | None = None,
    ) -> None:
        self.windows = windows
        self.limits = limits
        self.judge = judge
        self.protect = protect
        self.marker = marker
        self.table = SeriesTable(limits.interned_series)
        self.recogniser = Recogniser(limits)
        self.repeats = Repeats(limits, judge, protect, marker)
        self.described: list[tuple[str, str, str, str, str, str]] = []
        self.sources: dict[str, int] = {}
        """Numbers of the CloudEvents sources."""
        self.source_names: list[str] = []
        """The source of each number."""

    def __call__(self, batch: RecordBatch, declared_ms: int, incarnation: str) -> Ingested:
        """Fold ``batch``, which was declared at ``declared_ms`` (epoch ms of the worker's clock)."""
        self.recogniser.start_batch()
        self.repeats.start_batch()
        if max(len(self.table), len(self.sources)) >= self.table.limit:
            self.table.start_batch()
            self.recogniser.forget()
            self.described.clear()
            self.sources.clear()
            self.source_names.clear()
        return _Fold(self, batch, declared_ms, incarnation).run()


class _Fold:
    """One batch on its way: columns of observations, rows of each table, and what was refused."""

    def __init__(self, ingest: Ingest, batch: RecordBatch, declared_ms: int, incarnation: str) -> None:
        self.ingest = ingest
        self.batch = batch
        self.values = Texts.of(batch.values)
        self.declared_ms = declared_ms
        self.latest_ms = declared_ms + int(ingest.windows.max_future_skew * 1000)
        self.rows = RowWriter(batch, incarnation, declared_ms)
        self.dead: list[DeadLetter] = []
        self.counts: dict[str, int] = {}
        self.made = MadeSeries(ingest.table, ingest.described, ingest.windows.security_pane * 1000)
        self.observed: list[Observed] = []
        self.raw: dict[str, Rows] = {}
        self.judged = JudgedEvents()
        self.accepted: dict[int, ProcessingEvent] = {}
        """By their indexes: those that were just decoded."""
        self.marked = None if ingest.marker is None else MarkedEvents(ingest.marker, ingest.protect)
        self.findings: list[Findings] = []
        self.folded: list[Batch] = []
        self.high_ms = 0

    def run(self) -> Ingested:
        rest = self.recognise(np.arange(len(self.values)))
        while len(rest):
            some, later = rest[:_SOME], rest[_SOME:]
            self.decode(some.tolist())
            rest = self.recognise(later)
            if 2 * len(rest) > len(later):  # what was learned from some of them did not help the others
                self.decode(rest.tolist())
                break
        if accepted := [part for part in self.observed if len(part.ids)]:
            self.metric_rows(in_order(accepted))
        if self.judged.are_any:
            self.verdict_rows()
        return self.result()

    def recognise(self, among: NDArray[np.int64]) -> NDArray[np.int64]:
        """Take the events that are recognised; the indexes of the other records."""
        if self.batch.headers is not None:
            return among
        metrics, processing = self.ingest.recogniser, self.ingest.repeats
        observed, rest = metrics.recognise(self.values, among, EARLIEST_MS, self.latest_ms)
        self.observed += observed
        latest_ms = min(self.latest_ms, LATEST_MS - 1)
        repeated, rest = processing.recognise(self.values, rest, EARLIEST_MS + 1, latest_ms)
        for events in repeated:
            self.repeated(events)
        return rest

    def repeated(self, events: Repeated) -> None:
        """Processing events that are like earlier ones."""
        if not len(events.indexes):
            return
        codes, alike = np.asarray(events.kinds.codes), [kind.alike for kind in events.kinds.values]
        names = {each.tenant: None for each in alike}
        numbers = {name: number for number, name in enumerate(names)}
        tenants = Coded(np.array([numbers[each.tenant] for each in alike])[codes], list(names))
        record_ms = np.asarray(self.batch.timestamps)[events.indexes]
        self.rows.repeated(events, people(self.ingest.protect, events.said, tenants, record_ms))
        digests = digests_of(self.values, events.indexes)
        places = np.arange(len(digests), dtype=np.int32)
        self.judged.add_all(Judged(events.indexes, events.times, alike, codes, places, events.ids.texts, digests))
        if self.marked is not None:
            mark_repeated(self.marked, events, self.batch, digests)
        self.count("processing", len(events.indexes))
        self.high_ms = max(self.high_ms, int(events.times.max()))

    def decode(self, rest: Sequence[int]) -> None:
        """The records that were not recognised."""
        batch, limit = self.batch, self.ingest.limits.record_bytes
        values = list(self.values.some(rest))
        headers = [batch.headers[i] for i in rest] if batch.headers else None
        events, indexes = decode.plain(values, headers, limit), rest
        if events is None:
            events, positions, failures = decode.one_by_one(values, headers, limit)
            indexes = [rest[position] for position in positions]
            for position, rejected in failures:
                self.reject(rest[position], rejected)
        metrics = [i for i, event in enumerate(events) if type(event) is decode.RawMetricEvent]
        chosen = set(metrics)
        for position, event in enumerate(events):
            if position not in chosen:
                self.other(indexes[position], cast(Any, event))
        if self.batch.headers is None:
            self.ingest.repeats.learn(self.values, self.accepted)
        self.accepted = {}
        if metrics:
            self.metrics([cast(Any, events[i]) for i in metrics], [indexes[i] for i in metrics])

    def reject(self, index: int, rejected: Rejected) -> None:
        """One record to the dead letters, with its form: what it says may be about anybody."""
        batch = self.batch
        value = self.values[index]
        self.dead.append(
            DeadLetter(
                batch.partition.topic,
                batch.partition.number,
                batch.offsets[index],
                rejected.category,
                rejected.detail,
                None if value is None else hidden(value),
                int(batch.timestamps[index]),
            )
        )

    def metrics(self, events: list[Any], indexes: Sequence[int]) -> None:
        """Metric events, by columns; some of their templates are learned."""
        get = self.ingest.table.ids.get
        data = [event.data for event in events]
        keys = [(d.service, d.name, d.kind, d.unit, d.tenant, bytes(d.labels) if d.labels else b"") for d in data]
        ids = [get(key, -1) for key in keys]
        times = np.rint(np.array([event.time.timestamp() for event in events]) * 1000).astype(np.int64)
        values = np.array([d.value for d in data])
        unusual = (np.array(ids) < 0) | (times < EARLIEST_MS) | (times > self.latest_ms) | (values < 0)
        refused: list[int] = []
        for position in np.flatnonzero(unusual).tolist():
            try:
                ids[position] = self.examine(keys[position], data[position], int(times[position]))
            except Rejected as rejected:
                self.reject(indexes[position], rejected)
                refused.append(position)
        accepted = np.ones(len(events), dtype=bool)
        accepted[refused] = False
        sources = np.array([self.source(event.source) for event in events])
        names = pa.array([event.id for event in events], pa.binary())
        observed = Observed(np.array(indexes), np.array(ids), sources, times, values, names).some(accepted)
        self.observed.append(observed)
        if self.batch.headers is None:
            self.learn(observed)

    def learn(self, observed: Observed) -> None:
        """Learn the templates of some of the records that were not recognised."""
        wanted = max(len(self.values) * self.ingest.recogniser.learned_share, 1)
        step = max(int(len(observed.ids) / wanted), 1)
        columns = (observed.indexes, observed.series, observed.sources)
        for index, series, source in zip(*(column[::step].tolist() for column in columns), strict=True):
            self.ingest.recogniser.learn(cast(bytes, self.values[index]), series, source)

    def source(self, name: str) -> int:
        """The number of a CloudEvents source."""
        number = self.ingest.sources.get(name)
        if number is None:
            number = self.ingest.sources[name] = len(self.ingest.source_names)
            self.ingest.source_names.append(name if is_harmless_by_form(name) else masked(name))
        return number

    def metric_rows(self, observed: Observed) -> None:
        """The accepted metric events as rows of ``raw_metrics`` and as observations."""
        series, codes = distinct(observed.series)
        described = [self.ingest.described[i] for i in series.tolist()]
        columns: dict[str, Column] = {"time": observed.times}
        for at, name in enumerate(("tenant", "service", "name", "kind")):
            columns[name] = Coded(codes, [row[at] for row in described])
        columns["value"] = observed.values
        columns["unit"] = Coded(codes, [row[4] for row in described])
        columns["labels"] = Coded(codes, [row[5] for row in described])
        columns["event_id"] = observed.ids
        spoke, codes = distinct(observed.sources)
        columns["source"] = Coded(codes, [self.ingest.source_names[i] for i in spoke.tolist()])
        self.raw["raw_metrics"] = self.rows.located(columns, observed.indexes)
        self.counts["metric"] = len(observed.ids)
        self.high_ms = max(self.high_ms, int(observed.times.max()))
        self.metric_columns = (observed.series, observed.times, observed.values)

    def examine(self, key: Any, data: Any, time_ms: int) -> int:
        """Look at one metric event closely; its series number, or :class:`Rejected`."""
        self.check_time(time_ms)
        if data.kind == "counter" and data.value < 0:
            raise Rejected("invalid_field", "`data.value`: a counter takes increments, which are not negative")
        number = self.ingest.table.ids.get(key)
        return self.first_seen(key, data) if number is None else number

    def first_seen(self, key: Any, data: Any) -> int:
        """Check and intern a series."""
        try:
            labels = decode.LabelsDecoder.decode(data.labels) if data.labels else {}
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
            raise Rejected("invalid_label", "`data.labels`: an object of strings is wanted") from None
        if data.labels and cloudevents.has_duplicate_keys(bytes(data.labels)):
            raise Rejected("duplicate_key", "a key is written twice in one object")
        cloudevents.check_labels(labels, self.ingest.limits)
        tenant = DEFAULT_TENANT if data.tenant is msgspec.UNSET else data.tenant
        cloudevents.check_names(service=data.service, tenant=tenant, name=data.name)
        unit = "" if data.unit is msgspec.UNSET else data.unit
        pane_ms = self.ingest.windows.pane * 1000
        labels = {name: masked(value) for name, value in labels.items()}
        full = {**labels, "service": data.service}
        number = self.ingest.table.intern(key, tenant, rule_name(data.name), data.kind, full, pane_ms)
        self.ingest.described.append((tenant, data.service, data.name, data.kind, unit, labels_text(labels)))
        return number

    def check_time(self, time_ms: int) -> None:
        """Refuse an event time that is no clock's, or one too far ahead: one fast clock must not make everyone late."""
        if not EARLIEST_MS <= time_ms < LATEST_MS:
            raise Rejected("time_out_of_range", "`time` is before 2000 or after 2100")
        if time_ms > self.latest_ms:
            raise Rejected("future", "`time` is further ahead of the clock than windows.max_future_skew")

    def other(self, index: int, event: SecurityEvent | ProcessingEvent | HealthEvent) -> None:
        """Any other event: a row, its verdicts, and one observation of each series that it counts in."""
        time_ms = round(event.time.timestamp() * 1000)
        try:
            self.check_time(time_ms)
            cloudevents.check(event, self.ingest.limits)
        except Rejected as rejected:
            self.reject(index, rejected)
            return
        self.high_ms = max(self.high_ms, time_ms)
        match event:
            case SecurityEvent():
                self.count("security")
                stored = self.ingest.protect(event, int(self.batch.timestamps[index]))
                self.rows.security(event, stored, time_ms, index)
                self.made.security(event, stored.fields["address"], time_ms)
                self.verdicts(event, stored.event_id, time_ms, index)
                self.mark(event, stored.event_id, time_ms, index)
            case ProcessingEvent():
                self.count("processing")
                stored = self.ingest.protect(event, int(self.batch.timestamps[index]))
                self.rows.processing(event, stored, time_ms, index)
                self.accepted[index] = event
                self.verdicts(event, stored.event_id, time_ms, index)
                self.mark(event, stored.event_id, time_ms, index)
            case HealthEvent():
                self.count("health")
                self.rows.health(event, time_ms, index)
                self.made.health(event, time_ms)

    def mark(self, event: SecurityEvent | ProcessingEvent, event_id: str, time_ms: int, index: int) -> None:
        """Tell the policies about sequences of an event that is a step."""
        if self.marked is not None and (roles := self.marked.roles(event)):
            offset, value = int(self.batch.offsets[index]), self.values[index] or b""
            self.marked.add(roles, event, event_id, time_ms, offset, value)

    def count(self, kind: str, events: int = 1) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + events

    def verdicts(self, event: SecurityEvent | ProcessingEvent, event_id: str, time_ms: int, index: int) -> None:
        """Judge an event: a row and an increment for each verdict, in :meth:`verdict_rows`."""
        if verdicts := self.ingest.judge(event):
            kind = "security" if isinstance(event, SecurityEvent) else "processing"
            self.judged.add(index, time_ms, event_id, Alike(kind, event.data.tenant, event.data.service, verdicts))

    def verdict_rows(self) -> None:
        """The verdicts as rows of ``verdicts`` and as observations."""
        given = self.judged.given(self.values)
        self.raw["verdicts"] = self.rows.located(given.rows, given.indexes)
        self.findings = findings(self.batch, self.rows.incarnation, given)
        series = np.array([self.made.evaluation(*each) for each in given.distinct], dtype=np.int64)
        self.folded.append(counted(series, given.which, given.times, self.made.pane_ms))

    def result(self) -> Ingested:
        """Everything folded."""
        several = [self.made.observations()]
        if "raw_metrics" in self.raw:
            several.append(self.metric_columns)
        ids, times, values = map(np.concatenate, zip(*several, strict=True))
        batch, table = self.batch, self.ingest.table
        if len(ids):
            self.folded.append(cells(table, ids, times, values))
        folded: list[PaneDelta] = []
        if self.folded:
            about = batch.partition, batch.offsets[0], batch.offsets[-1], self.rows.incarnation
            folded = list(deltas(table, reduce(joined, self.folded), *about))
        if self.dead:
            self.rows.dead_letters(self.dead)
        marks = self.marked.records(batch, self.rows.incarnation) if self.marked else []
        raw = {**self.raw, **self.rows.tables()}
        return Ingested(raw, folded, self.dead, self.counts, self.high_ms, self.findings, marks)
