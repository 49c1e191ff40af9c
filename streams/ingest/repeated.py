"""Most processing events differ from an earlier one in their id, their time, and who is in them: those are not parsed.

A *template* is the text of a record with these cut out (:mod:`streams.ingest.members`). It is learned from a record
that was decoded: with other texts in the gaps the exact judge must find the same event with those in their places. What
policies look at must be the same then too, so that every event of the template has the verdicts of the first; and what
may be stored of it is the same but for who is in it (:mod:`streams.privacy.columns`). Whatever is not recognised, such
as an event about which a verdict depends on the time that has passed, is left to the decoder.
"""

from collections.abc import Hashable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas import cloudevents
from schemas.config import Limits
from schemas.events import Processing, ProcessingEvent, SecurityEvent
from schemas.failures import Rejected
from schemas.policy import Verdict
from schemas.tables import Coded
from streams.compliance.sequences.marking import Marker, Role
from streams.compliance.vocabulary import SHARED_ACCOUNTS
from streams.ingest.fold import distinct
from streams.ingest.instants import epoch_ms
from streams.ingest.judged import Alike
from streams.ingest.members import Gaps, gaps, unfit
from streams.privacy.columns import PEOPLE, Ids, can_protect, masked_ids, named, words
from streams.privacy.protection import Protection
from streams.texts import Texts

_MEMBERS = ("id", "time", *PEOPLE)
_NAMES = [name.encode() for name in _MEMBERS]
_ID, _TIME, _ACTOR = (_MEMBERS.index(name) for name in ("id", "time", "actor"))
_NEEDED = 1 << _ID | 1 << _TIME
_LONGEST = {"id": 256, "time": 64}
"""Bytes of a text that is taken without a look at its characters; of the others as many as they may have."""
_LONGEST_PERSON = 4096

_LEARNED = 0.05
"""Share of a batch's records that is learned from at most: it costs some twenty times what decoding does."""
_SEEN_ONCE = 200_000
_TEMPLATES = 50_000
"""Past that many the table starts again."""

_OTHER_TIME = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
_APART = timedelta(days=1)
"""Policies count hours."""

STORED = (*(name for name in Processing.__struct_fields__ if name not in PEOPLE), "source")
"""The columns of a row that do not say who is in the event."""

_TEXTS = ("operation", "purpose", "location", "source")
"""Those in which a publisher may write what it likes."""

Key = tuple[bytes, int]
"""What is around the gaps, and which members have one."""


class Judge(Protocol):
    """What policies say about an event."""

    def __call__(self, event: SecurityEvent | ProcessingEvent) -> Sequence[Verdict]:
        """The verdicts."""

    def facts(self, event: SecurityEvent | ProcessingEvent) -> Hashable:
        """All that they depend on."""


class Kind(NamedTuple):
    """What the events of a template have in common."""

    alike: Alike
    """How they are judged, and where."""
    stored: tuple[Any, ...]
    """The columns :data:`STORED` of their rows."""
    texts: str
    """All of them that are texts in one, in lower case: what might repeat who is in the event."""
    roles: Sequence[tuple[Role, list[str]]] = ()
    """What they are in sequences, with the values of the key; empty where that says who is in the event."""


class Repeated(NamedTuple):
    """Events that are like earlier ones, in columns of equal length. ``indexes`` are places in the batch, ascending."""

    indexes: NDArray[np.int64]
    times: NDArray[np.int64]
    """Epoch ms."""
    ids: Ids
    kinds: Coded
    """Of :class:`Kind`."""
    said: dict[str, Coded]
    """Who is in them: each field of :data:`streams.privacy.columns.PEOPLE`, as the event says it."""


class Repeats:
    """Templates and what they stand for, for as long as this worker lives."""

    def __init__(self, limits: Limits, judge: Judge, protection: Protection, marker: Marker | None = None) -> None:
        self._limits = limits
        self._judge = judge
        self._protection = protection
        self._marker = marker
        self._can_learn = can_protect(protection)
        self._known: dict[Key, Kind | None] = {}
        """None: a template whose events are not alike."""
        self._words: set[str] = set()
        """Of the texts of all kinds."""
        self._once: set[int] = set()
        """Hashes of templates that came once: most that do not come again never will."""

    def recognise(
        self, values: Sequence[bytes | None], among: NDArray[np.int64], earliest_ms: int, latest_ms: int
    ) -> tuple[list[Repeated], NDArray[np.int64]]:
        """Of the records with the indexes ``among``: events of known templates with a time within the bounds, and the
        indexes of all others.
        """
        texts = Texts.of(values)
        texts = texts if len(among) == len(texts) else texts.some(among)
        if not self._known or not len(texts):
            return [], among
        found = gaps(texts, _NAMES)
        found = found.some(np.flatnonzero(found.texts.lengths <= self._limits.record_bytes))
        repeated = self._taken(*self._known_of(found))
        if repeated is None:
            return [], among
        repeated = _some(repeated, (repeated.times >= earliest_ms) & (repeated.times <= latest_ms))
        around = Coded(repeated.kinds.codes, [kind.texts for kind in repeated.kinds.values])
        plain = np.ones(len(repeated.indexes), dtype=bool)
        plain[named(self._protection, repeated.said, around, self._words, repeated.ids)] = False
        repeated = _some(repeated, plain)
        left = np.ones(len(texts), dtype=bool)
        left[repeated.indexes] = False
        return [repeated._replace(indexes=among[repeated.indexes])], among[left]

    def _known_of(self, found: Gaps) -> tuple[Gaps, Coded]:
        """The records of known templates; and of which template each is."""
        if not len(found.rows):
            return found, Coded(found.rows, [])
        keys, codes = _keys(found)
        looked_up = [self._known.get(key) for key in keys]
        is_known = np.array([kind is not None for kind in looked_up])
        kinds = [kind for kind in looked_up if kind is not None]
        chosen = np.flatnonzero(is_known[codes])
        return found.some(chosen), Coded((np.cumsum(is_known, dtype=np.int32) - 1)[codes[chosen]], kinds)

    def _taken(self, found: Gaps, kinds: Coded) -> Repeated | None:
        """What is in the gaps of those that hold what they may; None when a time is none."""
        texts = [found.of(at) for at in range(len(_MEMBERS))]
        unlike = [unfit(each, _LONGEST.get(name, _LONGEST_PERSON)) for name, each in zip(_MEMBERS, texts, strict=True)]
        if any(map(len, unlike)):
            fit = np.setdiff1d(np.arange(len(found.rows)), np.concatenate(unlike))
            found, kinds = found.some(fit), _of(kinds, fit)
            texts = [each.take(pa.array(fit)) for each in texts]
        if not len(found.rows):
            return None
        try:
            times = epoch_ms(texts[_TIME])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        said = {name: _coded(texts[_MEMBERS.index(name)]) for name in PEOPLE}
        return Repeated(found.rows, times, masked_ids(texts[_ID].cast(pa.string())), kinds, said)

    def learn(self, values: Sequence[bytes | None], events: Mapping[int, ProcessingEvent]) -> None:
        """Learn templates of some accepted events; ``events`` has them by their indexes in the batch."""
        if not self._can_learn or not events:
            return
        indexes = list(events)
        found = gaps(Texts.of([values[index] for index in indexes]), _NAMES)
        if not len(found.rows):
            return
        keys, codes = _keys(found)
        budget = max(int(_LEARNED * len(values)), 1)
        _, firsts, counts = np.unique(codes, return_index=True, return_counts=True)
        for key, row, count in zip(keys, firsts.tolist(), counts.tolist(), strict=True):
            if key in self._known or key[1] & _NEEDED != _NEEDED:
                continue
            if count == 1 and hash(key) not in self._once:
                self._once.add(hash(key))
            elif budget:
                budget -= 1
                self._known[key] = self._kind(found.some(np.array([row])), events[indexes[found.rows[row]]])
        if len(self._once) > _SEEN_ONCE:
            self._once.clear()

    def _kind(self, gap: Gaps, event: ProcessingEvent) -> Kind | None:
        """What is common to all events of the template of ``event``, which was accepted; None: they are not alike."""
        found, shut = _open(gap), _shut(gap)
        if any(getattr(event.data, name) and name not in found for name in PEOPLE):
            return None  # it says who in a way in which that was not found
        stated = [name for name in _open(shut) if name in PEOPLE]
        people = {name: getattr(event.data, name) + "-" for name in stated}
        data = msgspec.structs.replace(event.data, **people)
        changed = msgspec.structs.replace(event, id=event.id + "-", time=_OTHER_TIME, data=data)
        filled = {"id": changed.id, "time": changed.time.isoformat(), **people}
        if abs(event.time - _OTHER_TIME) < _APART or self._read(_filled(shut, filled)) != changed:
            return None
        nobody = msgspec.structs.replace(event.data, **dict.fromkeys(PEOPLE, ""))
        stored = self._protection(msgspec.structs.replace(event, data=nobody), 0)
        if stored.secrets or self._judge.facts(event) != self._judge.facts(changed):
            return None
        row = {**stored.fields, "service": event.data.service, "tenant": event.data.tenant, "source": stored.source}
        several = (*map(row.__getitem__, _TEXTS), *row["data_categories"], *row["attributes"].values())
        roles = () if self._marker is None else self._marker(event)
        if self._marker is not None and roles != self._marker(changed):
            return None
        alike = Alike("processing", event.data.tenant, event.data.service, self._judge(event))
        parts = [(role, role.values(nobody)) for role in roles if all(role.values(event.data))]
        texts = "\0".join(several).lower()
        self._words.update(words(texts))
        return Kind(alike, tuple(row[name] for name in STORED), texts, parts)

    def _read(self, record: bytes) -> object:
        try:
            return cloudevents.decode(record, (), self._limits)
        except Rejected:
            return None

    def start_batch(self) -> None:
        """Forget everything when there are too many templates; only between batches."""
        if len(self._known) >= _TEMPLATES:
            self._known.clear()
            self._words.clear()


def _shut(found: Gaps) -> Gaps:
    """Without a gap for an actor that is a shared account, which policies know by its name."""
    actors = _coded(found.of(_ACTOR))
    shared = np.array([actor.lower() in SHARED_ACCOUNTS for actor in actors.values], dtype=bool)
    return found.closed(_ACTOR, shared[actors.codes]) if shared.any() else found


def _open(gap: Gaps) -> list[str]:
    """The members of the one record of ``gap`` that have a text."""
    [bits] = gap.open().tolist()
    return [name for at, name in enumerate(_MEMBERS) if bits >> at & 1]


def _keys(found: Gaps) -> tuple[list[Key], NDArray[np.int64]]:
    """The templates that differ, and which one each record has."""
    shut = _shut(found)
    around = shut.around().dictionary_encode()
    numbers, codes = distinct(np.asarray(around.indices) * (1 << len(_MEMBERS)) + shut.open())
    texts = around.dictionary.to_pylist()
    return [(texts[number >> len(_MEMBERS)], number % (1 << len(_MEMBERS))) for number in numbers.tolist()], codes


def _filled(gap: Gaps, said: Mapping[str, str]) -> bytes:
    """The one record of ``gap`` with other texts in its gaps."""
    record, start = gap.texts.data, int(gap.texts.starts[0])
    text = b""
    for at in np.argsort(gap.starts[0]).tolist():
        if gap.ends[0, at] > gap.starts[0, at]:
            text += record[start : gap.starts[0, at]] + said[_MEMBERS[at]].encode()
            start = int(gap.ends[0, at])
    return text + record[start : gap.texts.ends[0]]


def _coded(texts: Any) -> Coded:
    found = texts.dictionary_encode()
    _, offsets, data = found.dictionary.buffers()
    ends = np.frombuffer(offsets, np.int32, len(found.dictionary) + 1).tolist()
    together = data.to_pybytes() if data else b""
    if together.isascii():
        text = together.decode()
        values = [text[begin:end] for begin, end in pairwise(ends)]
    else:
        values = [together[begin:end].decode(errors="replace") for begin, end in pairwise(ends)]
    return Coded(found.indices.to_numpy(), values)


def _some(repeated: Repeated, chosen: NDArray[np.bool_]) -> Repeated:
    if chosen.all():
        return repeated
    at = np.flatnonzero(chosen)
    return Repeated(
        repeated.indexes[at],
        repeated.times[at],
        repeated.ids._replace(texts=list(map(repeated.ids.texts.__getitem__, at.tolist()))),
        _of(repeated.kinds, at),
        {name: _of(column, at) for name, column in repeated.said.items()},
    )


def _of(column: Coded, at: NDArray[np.intp]) -> Coded:
    return Coded(np.asarray(column.codes)[at], column.values)
