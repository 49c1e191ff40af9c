"""Verdicts as columns: events that are judged alike share their verdicts, so what they say is taken once for all."""

from collections.abc import Sequence
from hashlib import sha256
from itertools import accumulate, chain
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from schemas.policy import Verdict
from schemas.tables import Coded
from streams.batch import Rows
from streams.ingest.fold import distinct, spread
from streams.texts import Texts

_T = TypeVar("_T")

_VERDICT = ("policy", "framework", "control", "verdict", "reason", "severity", "policy_digest")


class Alike(NamedTuple):
    """What events have in common that are judged alike."""

    kind: str
    """``security`` or ``processing``."""
    tenant: str
    service: str
    verdicts: Sequence[Verdict]


class Judged(NamedTuple):
    """Judged events, in columns of equal length."""

    indexes: NDArray[np.int64]
    """Of their records in the batch."""
    times: NDArray[np.int64]
    """Epoch ms."""
    alike: list[Alike]
    codes: NDArray[np.int32]
    """Which of ``alike`` each event is."""
    places: NDArray[np.int32]
    """Where what is each event's own stands in ``ids`` and ``digests``."""
    ids: list[str]
    """As they may be stored."""
    digests: list[bytes]
    """SHA-256 of the values of records."""

    def some(self, at: NDArray[np.intp]) -> "Judged":
        """The events at the given places."""
        return self._replace(
            indexes=self.indexes[at], times=self.times[at], codes=self.codes[at], places=self.places[at]
        )


class Given(NamedTuple):
    """The verdicts of a batch, a row for each."""

    rows: Rows
    """The columns of the table ``verdicts``."""
    indexes: NDArray[np.int64]
    """Of each row's record in the batch."""
    times: NDArray[np.int64]
    """Of each row's event, epoch ms."""
    distinct: list[tuple[str, str, Verdict]]
    """The verdicts that differ, each with tenant and service."""
    which: NDArray[np.integer[Any]]
    """Of these, the one of each row."""
    events: Judged
    """In the order of their records."""
    violating: NDArray[np.bool_]
    """Which of ``events.alike`` break a policy."""


class _Sets(NamedTuple):
    """Sets of verdicts, each of which is ``numbers[begin : begin + count]``."""

    numbers: NDArray[np.int32]
    begins: NDArray[np.int32]
    counts: NDArray[np.int32]

    def any_of(self, wanted: Sequence[bool]) -> NDArray[np.bool_]:
        """Which sets have one of the wanted verdicts."""
        so_far = np.append(0, np.cumsum(np.array(wanted, dtype=bool)[self.numbers]))
        found: NDArray[np.bool_] = so_far[self.begins + self.counts] > so_far[self.begins]
        return found


class JudgedEvents:
    """The judged events of one batch, and what each was given."""

    def __init__(self) -> None:
        self._each: list[tuple[int, int, str, int]] = []
        self._alike: list[Alike] = []
        self._numbers: dict[tuple[str, str, str, int], int] = {}
        self._parts: list[Judged] = []

    @property
    def are_any(self) -> bool:
        """Whether any event was given a verdict."""
        return bool(self._each or self._parts)

    def add(self, index: int, time_ms: int, event_id: str, alike: Alike) -> None:
        """One event with its verdicts, one at least; ``index`` is that of its record in the batch."""
        key = (alike.kind, alike.tenant, alike.service, id(alike.verdicts))  # kept alive, so that an id stays its own
        number = self._numbers.setdefault(key, len(self._alike))
        if number == len(self._alike):
            self._alike.append(alike)
        self._each.append((index, time_ms, event_id, number))

    def add_all(self, judged: Judged) -> None:
        """Several events, some of which may have no verdict."""
        concerned = np.array([bool(alike.verdicts) for alike in judged.alike])[judged.codes]
        if concerned.any():
            self._parts.append(judged if concerned.all() else judged.some(np.flatnonzero(concerned)))

    def given(self, values: Sequence[bytes | None]) -> Given:
        """All verdicts, by columns; ``values`` are those of all records of the batch."""
        events = self._in_order(values)
        verdicts, sets = _sets([each.verdicts for each in events.alike])
        places, place_codes = _numbered([(each.tenant, each.service) for each in events.alike])
        kinds, kind_codes = _numbered([each.kind for each in events.alike])
        rows, numbers = spread(sets.begins[events.codes], sets.counts[events.codes])
        codes, own, place = sets.numbers[numbers], events.places[rows], place_codes[events.codes][rows]
        pairs, which = distinct(place.astype(np.int64) * len(verdicts) + codes)
        times = events.times[rows]
        columns: Rows = {
            "time": times,
            "tenant": Coded(place, [tenant for tenant, _ in places]),
            "service": Coded(place, [service for _, service in places]),
            **{name: Coded(codes, [getattr(verdict, name) for verdict in verdicts]) for name in _VERDICT},
            "event_type": Coded(kind_codes[events.codes][rows], kinds),
            "event_id": Coded(own, events.ids),
            "event_digest": Coded(own, events.digests),
        }
        differing = [(*places[pair // len(verdicts)], verdicts[pair % len(verdicts)]) for pair in pairs.tolist()]
        violating = sets.any_of([verdict.verdict == "non_compliant" for verdict in verdicts])
        return Given(columns, events.indexes[rows], times, differing, which, events, violating)

    def _in_order(self, values: Sequence[bytes | None]) -> Judged:
        parts = list(self._parts)
        if self._each:
            each, times, ids, codes = zip(*self._each, strict=True)
            indexes = np.array(each)
            digests, places = digests_of(values, indexes), np.arange(len(each), dtype=np.int32)
            own = (self._alike, np.array(codes, np.int32), places, list(ids), digests)
            parts.append(Judged(indexes, np.array(times), *own))
        if len(parts) == 1:
            return parts[0]
        together = Judged(
            np.concatenate([part.indexes for part in parts]),
            np.concatenate([part.times for part in parts]),
            list(chain.from_iterable(part.alike for part in parts)),
            _shifted([(part.codes, len(part.alike)) for part in parts]),
            _shifted([(part.places, len(part.ids)) for part in parts]),
            list(chain.from_iterable(part.ids for part in parts)),
            list(chain.from_iterable(part.digests for part in parts)),
        )
        return together.some(np.argsort(together.indexes))


def _shifted(parts: Sequence[tuple[NDArray[np.int32], int]]) -> NDArray[np.int32]:
    """Places in several lists, of which the lengths are said, as places in all of them one after the other."""
    begins = accumulate((length for _, length in parts), initial=0)
    return np.concatenate([places + np.int32(begin) for (places, _), begin in zip(parts, begins, strict=False)])


def digests_of(values: Sequence[bytes | None], indexes: NDArray[np.int64]) -> list[bytes]:
    """SHA-256 of the values of some records of a batch, which have one."""
    texts = Texts.of(values)
    data, starts = texts.data, texts.starts[indexes].tolist()
    ends = texts.ends[indexes].tolist()
    return [sha256(data[start:end]).digest() for start, end in zip(starts, ends, strict=True)]


def _sets(sets: Sequence[Sequence[Verdict]]) -> tuple[list[Verdict], _Sets]:
    """The verdicts that differ, and which are in each set. A judge gives equal ones as one object."""
    differing = {id(verdicts): verdicts for verdicts in sets}  # which keeps each alive, so that an id stays its own
    every = list(chain.from_iterable(differing.values()))
    verdicts = {id(verdict): verdict for verdict in every}
    numbers = dict(zip(verdicts, range(len(verdicts)), strict=True))
    begins = dict(zip(differing, accumulate(map(len, differing.values()), initial=0), strict=False))
    return list(verdicts.values()), _Sets(
        np.array([numbers[id(verdict)] for verdict in every], np.int32),
        np.array([begins[id(each)] for each in sets], np.int32),
        np.array(list(map(len, sets)), np.int32),
    )


def _numbered(values: Sequence[_T]) -> tuple[list[_T], NDArray[np.int32]]:
    numbers: dict[_T, int] = {}
    codes = [numbers.setdefault(value, len(numbers)) for value in values]
    return list(numbers), np.array(codes, np.int32)
