"""Steps of sequences among processing events that are like earlier ones."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.batch import RecordBatch
from streams.compliance.sequences.marking import MarkedEvents, Role
from streams.compliance.sequences.marks import About
from streams.ingest.fold import spread
from streams.ingest.judged import Alike
from streams.ingest.repeated import Repeated
from streams.privacy.columns import PEOPLE, listed


class _Part(NamedTuple):
    """What all events of a template are in the sequences of one policy."""

    role: Role
    values: list[str]
    """Of its key; of people any."""
    alike: Alike


def mark_repeated(marked: MarkedEvents, events: Repeated, batch: RecordBatch, digests: Sequence[bytes]) -> None:
    """All but who is in an event, its time and its id is known of its template. ``digests``: of each event's record."""
    codes, kinds = np.asarray(events.kinds.codes), events.kinds.values
    parts = [_Part(role, values, kind.alike) for kind in kinds for role, values in kind.roles]
    counts = np.array([len(kind.roles) for kind in kinds])
    rows, which = spread((np.cumsum(counts) - counts)[codes], counts[codes])
    for by in {part.role.by for part in parts}:
        mine = np.flatnonzero(np.array([part.role.by == by for part in parts])[which])
        _put(marked, events, batch, digests, rows[mine], [parts[number] for number in which[mine].tolist()])


def _put(
    marked: MarkedEvents,
    events: Repeated,
    batch: RecordBatch,
    digests: Sequence[bytes],
    rows: NDArray[np.int32],
    parts: Sequence[_Part],
) -> None:
    """Mark the events in ``rows``, each as the one of ``parts``; all of these have the same fields in their key."""
    said = [
        listed(events.said[name], rows) if name in PEOPLE else [part.values[at] for part in parts]
        for at, name in enumerate(parts[0].role.by if parts else ())
    ]
    places = (rows, events.indexes[rows], events.times[rows])
    columns = (parts, *(column.tolist() for column in places), zip(*said, strict=True))
    for (role, _, alike), row, index, time_ms, values in zip(*columns, strict=True):
        about = About(alike.service, alike.kind, events.ids.texts[row], digests[row]) if role.completing else None
        marked.put(role, alike.tenant, values, time_ms, int(batch.offsets[index]), about)
