"""Verdicts as columns: events that are judged alike share their verdicts, so what they say is taken once for all."""

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from schemas.events import ProcessingEvent, SecurityEvent
from schemas.policy import Verdict
from schemas.tables import Coded
from streams.batch import Rows

_T = TypeVar("_T")

_VERDICT = ("policy", "framework", "control", "verdict", "reason", "severity", "policy_digest")


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
    digests: list[bytes]
    """SHA-256 of the value of each judged record."""


class JudgedEvents:
    """The judged events of one batch, and what each was given."""

    def __init__(self) -> None:
        self.events: list[tuple[int, SecurityEvent | ProcessingEvent, int]] = []
        self.verdicts: list[Sequence[Verdict]] = []

    def __bool__(self) -> bool:
        return bool(self.events)

    def add(
        self, event: SecurityEvent | ProcessingEvent, verdicts: Sequence[Verdict], time_ms: int, index: int
    ) -> None:
        """One event with its verdicts, one at least; ``index`` is that of its record in the batch."""
        self.events.append((time_ms, event, index))
        self.verdicts.append(verdicts)

    def given(self, values: Sequence[bytes | None]) -> Given:
        """All verdicts, by columns; ``values`` are those of all records of the batch."""
        times, events, indexes = zip(*self.events, strict=True)
        rows = np.repeat(np.arange(len(events)), [len(verdicts) for verdicts in self.verdicts])
        verdicts, codes = self._distinct()
        places, place_codes = _numbered([(event.data.tenant, event.data.service) for event in events])
        kinds, kind_codes = _numbered(["security" if isinstance(e, SecurityEvent) else "processing" for e in events])
        pairs, which = np.unique(place_codes[rows] * len(verdicts) + codes, return_inverse=True)
        row_times = np.array(times, dtype=np.int64)[rows]
        digests = [sha256(values[index] or b"").digest() for index in indexes]
        columns: Rows = {
            "time": row_times,
            "tenant": Coded(place_codes[rows], [tenant for tenant, _ in places]),
            "service": Coded(place_codes[rows], [service for _, service in places]),
            **{name: Coded(codes, [getattr(verdict, name) for verdict in verdicts]) for name in _VERDICT},
            "event_type": Coded(kind_codes[rows], kinds),
            "event_id": [events[row].id for row in rows.tolist()],
            "event_digest": Coded(rows, digests),
        }
        distinct = [(*places[pair // len(verdicts)], verdicts[pair % len(verdicts)]) for pair in pairs.tolist()]
        return Given(columns, np.array(indexes, dtype=np.int64)[rows], row_times, distinct, which, digests)

    def _distinct(self) -> tuple[list[Verdict], NDArray[np.int64]]:
        """The verdicts that were given, and which of them each row has."""
        numbers: dict[Verdict, int] = {}
        codes: dict[int, list[int]] = {}
        for verdicts in self.verdicts:
            if id(verdicts) not in codes:  # the list keeps each alive, so that an id stays its own
                codes[id(verdicts)] = [numbers.setdefault(verdict, len(numbers)) for verdict in verdicts]
        return list(numbers), np.concatenate([codes[id(verdicts)] for verdicts in self.verdicts])


def _numbered(values: Sequence[_T]) -> tuple[list[_T], NDArray[np.int64]]:
    numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
    return list(numbers), np.array([numbers[value] for value in values], dtype=np.int64)
