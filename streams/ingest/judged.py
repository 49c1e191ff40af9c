"""Verdicts as columns: events that are judged alike share their verdicts, so what they say is taken once for all."""

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from schemas.policy import Verdict
from schemas.tables import Coded
from streams.batch import Rows
from streams.ingest.fold import distinct
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
    ids: list[str]
    """As they may be stored."""
    alike: list[Alike]
    codes: NDArray[np.int64]
    """Which of ``alike`` each event is."""
    digests: list[bytes]
    """SHA-256 of the values of their records."""


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
    which: NDArray[np.int64]
    """Of these, the one of each row."""
    events: Judged
    """In the order of their records."""


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
            self._parts.append(judged if concerned.all() else _some(judged, np.flatnonzero(concerned)))

    def given(self, values: Sequence[bytes | None]) -> Given:
        """All verdicts, by columns; ``values`` are those of all records of the batch."""
        events = self._in_order(values)
        verdicts, sets = _numbered_sets([each.verdicts for each in events.alike])
        places, place_codes = _numbered([(each.tenant, each.service) for each in events.alike])
        kinds, kind_codes = _numbered([each.kind for each in events.alike])
        counts = np.array([len(numbers) for numbers in sets])[events.codes]
        rows = np.repeat(np.arange(len(events.codes)), counts)
        begins = np.cumsum([0, *map(len, sets)])[events.codes] - (np.cumsum(counts) - counts)
        codes = np.concatenate(sets)[begins[rows] + np.arange(len(rows))]
        place = place_codes[events.codes][rows]
        pairs, which = distinct(place * len(verdicts) + codes)
        times = events.times[rows]
        columns: Rows = {
            "time": times,
            "tenant": Coded(place, [tenant for tenant, _ in places]),
            "service": Coded(place, [service for _, service in places]),
            **{name: Coded(codes, [getattr(verdict, name) for verdict in verdicts]) for name in _VERDICT},
            "event_type": Coded(kind_codes[events.codes][rows], kinds),
            "event_id": Coded(rows, events.ids),
            "event_digest": Coded(rows, events.digests),
        }
        differing = [(*places[pair // len(verdicts)], verdicts[pair % len(verdicts)]) for pair in pairs.tolist()]
        return Given(columns, events.indexes[rows], times, differing, which, events)

    def _in_order(self, values: Sequence[bytes | None]) -> Judged:
        parts = list(self._parts)
        if self._each:
            each, times, ids, codes = zip(*self._each, strict=True)
            indexes = np.array(each)
            digests = digests_of(values, indexes)
            parts.append(Judged(indexes, np.array(times), list(ids), self._alike, np.array(codes), digests))
        if len(parts) == 1:
            return parts[0]
        begins = np.cumsum([0, *(len(part.alike) for part in parts)]).tolist()
        places = np.concatenate([part.indexes for part in parts])
        together = Judged(
            places,
            np.concatenate([part.times for part in parts]),
            [name for part in parts for name in part.ids],
            [each for part in parts for each in part.alike],
            np.concatenate([part.codes + begin for part, begin in zip(parts, begins, strict=False)]),
            [digest for part in parts for digest in part.digests],
        )
        return _some(together, np.argsort(places))


def _some(judged: Judged, at: NDArray[np.intp]) -> Judged:
    places = at.tolist()
    ids, digests = list(map(judged.ids.__getitem__, places)), list(map(judged.digests.__getitem__, places))
    return Judged(judged.indexes[at], judged.times[at], ids, judged.alike, judged.codes[at], digests)


def digests_of(values: Sequence[bytes | None], indexes: NDArray[np.int64]) -> list[bytes]:
    """SHA-256 of the values of some records of a batch, which have one."""
    texts = Texts.of(values)
    data, starts = texts.data, texts.starts[indexes].tolist()
    ends = texts.ends[indexes].tolist()
    return [sha256(data[start:end]).digest() for start, end in zip(starts, ends, strict=True)]


def _numbered_sets(sets: Sequence[Sequence[Verdict]]) -> tuple[list[Verdict], list[NDArray[np.int64]]]:
    """The verdicts that differ, and for each set of them their numbers. A judge gives equal ones as one object."""
    numbers: dict[int, int] = {}
    differing: list[Verdict] = []
    known: dict[int, NDArray[np.int64]] = {}
    for verdicts in sets:
        if id(verdicts) in known:  # the list keeps each alive, so that an id stays its own
            continue
        for verdict in verdicts:
            if numbers.setdefault(id(verdict), len(differing)) == len(differing):
                differing.append(verdict)
        known[id(verdicts)] = np.array([numbers[id(verdict)] for verdict in verdicts], dtype=np.int64)
    return differing, [known[id(verdicts)] for verdicts in sets]


def _numbered(values: Sequence[_T]) -> tuple[list[_T], NDArray[np.int64]]:
    numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
    return list(numbers), np.array([numbers[value] for value in values], dtype=np.int64)
