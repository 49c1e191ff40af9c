"""Most metric events differ from an earlier one in id, time and value alone: those are taken without being parsed.

A *template* is the text of a record with these three cut out. It is learned from a record that was decoded: with other
texts in the gaps the exact judge must find the same event with those in their places. From then on every record of that
template is that event with an id, a time and a value of its own, provided that what stands in the gaps is JSON of the
schema's types, which is decoded for a whole batch at once. Whatever is not recognised is left to the decoder.
"""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import compress
from typing import NamedTuple, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas import cloudevents
from schemas.config import Limits
from schemas.events import Event, MetricEvent
from schemas.failures import Rejected
from streams.ingest.instants import epoch_ms, strings
from streams.ingest.observed import Observed

LEARNED_SHARE = 0.02
"""Of a batch's records: learning costs about ten times as much as decoding, so what never repeats must not be learned
for ever."""

_SAMPLE = 16
"""Records of a batch that are looked at to see how it is written."""

_SHAPES = 4
_TEMPLATES = 200_000
"""Limits of what is remembered; past the latter the table starts again."""

_OPENINGS = {
    "id": re.compile(rb'"id"\s*:\s*"'),
    "time": re.compile(rb'"time"\s*:\s*"'),
    "value": re.compile(rb'"value"\s*:\s*'),
}
_AFTER_NUMBER = re.compile(rb"[,}\s]")

_TIME, _VALUE = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC), 0.5
"""What is put into the gaps to see whether they are what they seem."""

_ID_TYPE = next(field.type for field in msgspec.structs.fields(MetricEvent) if field.name == "id")
_IDS = msgspec.json.Decoder(list[_ID_TYPE])  # type: ignore[valid-type]
_VALUES = msgspec.json.Decoder(list[float])
_EVENT = msgspec.json.Decoder(MetricEvent)

_GAP = b"\0"

Shape = tuple[tuple[str, bytes, bytes], ...]
"""How a publisher writes: the three members in their order, each with the texts before and after its gap."""

Pieces = bytes
"""What is left of a record: the texts around its gaps, with a NUL, which JSON cannot have, for each gap."""


class Template(NamedTuple):
    """What the events of a template have in common."""

    series: int
    source: str
    counter: bool


class Recogniser:
    """Templates and what they stand for, for as long as this worker lives."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._known: dict[Shape, dict[Pieces, Template]] = {}
        self._size = 0

    def recognise(
        self, values: Sequence[bytes | None], among: Sequence[int], earliest_ms: int, latest_ms: int
    ) -> tuple[list[Observed], Sequence[int]]:
        """Of the records with the indexes ``among``: events of known templates with a time within the bounds, and the
        indexes of all others.
        """
        found: list[Observed] = []
        whole = len(among) == len(values)
        some = values if whole else [values[i] for i in among]
        if None in some or max(map(len, cast(Sequence[bytes], some)), default=0) > self.limits.record_bytes:
            return found, among
        records, indexes = cast(Sequence[bytes], some), np.arange(len(values)) if whole else np.asarray(among)
        for shape in self._shapes_of(records):
            observed = self._written_as(shape, records, indexes)
            if observed is not None:
                observed = observed.some((observed.times >= earliest_ms) & (observed.times <= latest_ms))
                found.append(observed)
                left = np.ones(len(records), dtype=bool)
                left[np.searchsorted(indexes, observed.indexes)] = False
                records, indexes = list(compress(records, left)), indexes[left]
            if not records:
                break
        return found, indexes.tolist()

    def _shapes_of(self, records: Sequence[bytes]) -> list[Shape]:
        """The known shapes of a sample of records, the most frequent first."""
        sample = map(shape_of, records[:: max(len(records) // _SAMPLE, 1)])
        return [shape for shape, _ in Counter(sample).most_common() if shape in self._known and shape is not None]

    def _written_as(self, shape: Shape, records: Sequence[bytes], indexes: NDArray[np.int64]) -> Observed | None:
        """Those of ``records`` whose templates are known; None when there are none, or a gap holds what it must not."""
        pieces, gaps = cut(shape, records)
        looked_up = list(map(self._known[shape].get, pieces))
        templates = [template for template in looked_up if template is not None]
        if not templates:
            return None
        if len(templates) < len(records):
            known = [template is not None for template in looked_up]
            indexes = indexes[known]
            gaps = {member: list(compress(texts, known)) for member, texts in gaps.items()}
        try:
            ids = _IDS.decode(strings(gaps["id"]))
            values = np.array(_VALUES.decode(b"[" + b",".join(gaps["value"]) + b"]"))
            times = epoch_ms(gaps["time"])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        if not len(ids) == len(values) == len(times) == len(templates):
            return None
        series = np.array([template.series for template in templates])
        observed = Observed(indexes, series, times, values, ids, [template.source for template in templates])
        allowed = np.ones(len(values), dtype=bool)
        allowed[[at for at in np.flatnonzero(values < 0).tolist() if templates[at].counter]] = False
        return observed.some(allowed)

    def learn(self, record: bytes, series: int) -> None:
        """Remember the template of ``record``, which was accepted as a metric event of ``series``, if it has one."""
        shape = shape_of(record)
        if shape is None or (shape not in self._known and len(self._known) >= _SHAPES):
            return
        [pieces], _ = cut(shape, [record])
        if pieces in self._known.get(shape, ()):
            return
        event = _EVENT.decode(record)
        changed = msgspec.structs.replace(
            event, id=event.id + "-", time=_TIME, data=msgspec.structs.replace(event.data, value=_VALUE)
        )
        if event.time != _TIME and event.data.value != _VALUE and self._judged(shape, pieces, changed) == changed:
            self._size += 1
            self._known.setdefault(shape, {})[pieces] = Template(series, event.source, event.data.kind == "counter")

    def _judged(self, shape: Shape, pieces: Pieces, event: MetricEvent) -> Event | None:
        """What the exact judge finds in a template with the id, time and value of ``event`` in its gaps."""
        gaps = {"id": event.id, "time": event.time.isoformat(), "value": str(event.data.value)}
        text, *following = pieces.split(_GAP)
        for (member, before, after), piece in zip(shape, following, strict=True):
            text += before + gaps[member].encode() + after + piece
        try:
            return cloudevents.decode(text, (), self.limits)
        except Rejected:
            return None

    def start_batch(self) -> None:
        """Forget everything when there are too many templates; only between batches."""
        if self._size >= _TEMPLATES:
            self.forget()

    def forget(self) -> None:
        """Forget everything."""
        self._known.clear()
        self._size = 0


def shape_of(record: bytes) -> Shape | None:
    """How the publisher of ``record`` writes; None when a member is missing."""
    found = []
    for member, opening in _OPENINGS.items():
        start = opening.search(record)
        end = _AFTER_NUMBER.search(record, start.end()) if start else None
        if start is None or end is None:
            return None
        found.append((start.start(), (member, start.group(), end.group() if member == "value" else b'"')))
    return tuple(member for _, member in sorted(found))


def cut(shape: Shape, records: Sequence[bytes]) -> tuple[list[Pieces], dict[str, list[bytes]]]:
    """Records as what is around their gaps and what is in them.

    Where a text before or after a gap does not occur, the last piece is empty, which no template's is: after the value
    at least a brace is to come.
    """
    (one, opening_one, closing_one), (two, opening_two, closing_two), (three, opening_three, closing_three) = shape
    pieces: list[Pieces] = []
    first: list[bytes] = []
    second: list[bytes] = []
    third: list[bytes] = []
    for record in records:
        a, _, rest = record.partition(opening_one)
        gap, _, rest = rest.partition(closing_one)
        first.append(gap)
        b, _, rest = rest.partition(opening_two)
        gap, _, rest = rest.partition(closing_two)
        second.append(gap)
        c, _, rest = rest.partition(opening_three)
        gap, _, d = rest.partition(closing_three)
        third.append(gap)
        pieces.append(_GAP.join((a, b, c, d)))
    return pieces, {one: first, two: second, three: third}
