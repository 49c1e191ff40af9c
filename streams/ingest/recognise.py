"""Most metric events differ from an earlier one in id, time and value alone: those are taken without being parsed.

A *template* is the text of a record with these three cut out. It is learned from a record that was decoded: with other
texts in the gaps the exact judge must find the same event with those in their places. From then on every record of that
template is that event with an id, a time and a value of its own, provided that what stands in the gaps is JSON of the
schema's types, which is decoded for a whole batch at once. Whatever is not recognised is left to the decoder.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas import cloudevents
from schemas.config import Limits
from schemas.events import Event, MetricEvent
from schemas.failures import Rejected
from streams.ingest.cutting import Commas, Cut, Shape, shape_of
from streams.ingest.instants import epoch_ms, strings
from streams.ingest.observed import Observed
from streams.texts import Texts

_MOST_LEARNED, _LEAST_LEARNED = 0.02, 0.002
"""Shares of a batch's records: learning costs many times as much as decoding, so what never repeats must not be learned
for ever."""

_PAYS_FROM = 30
"""Records that a template should have saved from the decoder to have been worth learning."""

_SHAPES = 32
_TEMPLATES = 200_000
"""Limits of what is remembered; past the latter the table starts again."""

_TIME, _VALUE = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC), 0.5
"""What is put into the gaps to see whether they are what they seem."""

_ID_TYPE = next(field.type for field in msgspec.structs.fields(MetricEvent) if field.name == "id")
_IDS: Any = msgspec.json.Decoder(list[_ID_TYPE])  # type: ignore[valid-type]
_VALUES = msgspec.json.Decoder(list[float])
_EVENT = msgspec.json.Decoder(MetricEvent)

_SHORTEST_ID, _LONGEST_ID = 1, 256
_PLAIN = np.ones(256, dtype=bool)
_PLAIN[[*range(0x20), ord('"'), ord("\\"), *range(0x80, 0x100)]] = False
"""Bytes that stand for themselves in a JSON string."""


class Template(NamedTuple):
    """What the events of a template have in common."""

    series: int
    source: int
    counter: bool
    lengths: tuple[int, ...]
    """Bytes of each piece: where the gaps are in the text."""


class Recogniser:
    """Templates and what they stand for, for as long as this worker lives."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._known: dict[Shape, dict[bytes, Template]] = {}
        self._size = 0
        self._learned = 0
        self._recognised = 0

    @property
    def learned_share(self) -> float:
        """The share of a batch's records that is worth learning from, as things have gone."""
        return _MOST_LEARNED if self._recognised >= _PAYS_FROM * self._learned else _LEAST_LEARNED

    def recognise(
        self, values: Sequence[bytes | None], among: NDArray[np.int64], earliest_ms: int, latest_ms: int
    ) -> tuple[list[Observed], NDArray[np.int64]]:
        """Of the records with the indexes ``among``: events of known templates with a time within the bounds, and the
        indexes of all others.
        """
        found: list[Observed] = []
        texts = Texts.of(values)
        texts = texts if len(among) == len(texts) else texts.some(among)
        lengths = texts.lengths
        if not len(texts) or not self._known or lengths.min() < 0 or lengths.max() > self.limits.record_bytes:
            return found, among
        commas = Commas(texts)
        left = np.ones(len(texts), dtype=bool)
        for shape in list(self._known):
            rows = np.flatnonzero(left & (commas.counts == shape.commas))
            if not len(rows):
                continue
            observed = self._written_as(commas.cut(shape, rows))
            if observed is not None:
                observed = observed.some((observed.times >= earliest_ms) & (observed.times <= latest_ms))
                left[observed.indexes] = False
                self._recognised += len(observed.indexes)
                found.append(observed._replace(indexes=among[observed.indexes]))
        return found, among[left]

    def _written_as(self, cut: Cut) -> Observed | None:
        """Those whose templates are known; None when there are none, or a gap holds what it must not."""
        chosen, templates, codes = self._known_of(cut)
        if not len(chosen):
            return None
        try:
            ids = _ids(cut.gap("id", chosen))
            values = _values(cut.gap("value", chosen))
            times = epoch_ms(cut.gap("time", chosen))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        if not len(ids) == len(values) == len(times) == len(chosen):
            return None
        series, sources, counter = (np.array([template[at] for template in templates])[codes] for at in range(3))
        return Observed(cut.rows[chosen], series, sources, times, values, ids).some((values >= 0) | ~counter)

    def _known_of(self, cut: Cut) -> tuple[NDArray[np.int64], list[Template], NDArray[np.int64]]:
        """The records of ``cut`` that are of known templates: their places, these templates, and which one each has."""
        texts, lengths = cut.templates()
        coded = texts.dictionary_encode()
        looked_up = list(map(self._known[cut.shape].get, coded.dictionary.to_pylist()))
        templates = [template for template in looked_up if template is not None]
        if not templates:
            return np.arange(0), templates, np.arange(0)
        numbers = np.full(len(looked_up), -1)
        numbers[[template is not None for template in looked_up]] = np.arange(len(templates))
        codes = numbers[coded.indices.to_numpy()]
        wanted = np.array([template.lengths for template in templates])
        chosen = np.flatnonzero((codes >= 0) & (wanted[codes] == lengths).all(axis=1))
        return chosen, templates, codes[chosen]

    def learn(self, record: bytes, series: int, source: int) -> None:
        """Remember the template of ``record``, which was accepted as a metric event of ``series``, if it has one."""
        found = shape_of(record)
        if found is None or (found[0] not in self._known and len(self._known) >= _SHAPES):
            return
        shape, pieces = found
        text = b"".join(pieces)
        if text in self._known.get(shape, ()):
            return
        event = _EVENT.decode(record)
        changed = msgspec.structs.replace(
            event, id=event.id + "-", time=_TIME, data=msgspec.structs.replace(event.data, value=_VALUE)
        )
        if event.time != _TIME and event.data.value != _VALUE and self._judged(shape, pieces, changed) == changed:
            self._size += 1
            self._learned += 1
            lengths = tuple(map(len, pieces))
            self._known.setdefault(shape, {})[text] = Template(series, source, event.data.kind == "counter", lengths)

    def _judged(self, shape: Shape, pieces: Sequence[bytes], event: MetricEvent) -> Event | None:
        """What the exact judge finds in a template with the id, time and value of ``event`` in its gaps."""
        gaps = {"id": event.id, "time": event.time.isoformat(), "value": str(event.data.value)}
        text, *following = pieces
        for gap, piece in zip(shape.gaps, following, strict=True):
            text += gaps[gap.member].encode() + piece
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
        self._size = self._learned = self._recognised = 0


def _ids(texts: Any) -> Any:
    """Ids as they are between quotation marks, checked; raises :class:`msgspec.MsgspecError` when one is none."""
    _, offsets, data = texts.buffers()
    lengths = np.diff(np.frombuffer(offsets, np.int32, len(texts) + 1))
    plain = _PLAIN[np.frombuffer(data, np.uint8)].all() if data else True
    if plain and lengths.min() >= _SHORTEST_ID and lengths.max() <= _LONGEST_ID:
        return texts
    return pa.array([text.encode() for text in _IDS.decode(strings(texts.to_pylist()))], pa.binary())


def _values(texts: Any) -> NDArray[np.float64]:
    """Numbers as they stand in JSON; raises :class:`msgspec.MsgspecError` when one is none."""
    [joined] = pc.binary_join(pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts), b",")
    return np.array(_VALUES.decode(b"[" + joined.as_py() + b"]"))
