"""Steps of sequences among processing events that are like earlier ones."""

from collections.abc import Sequence

import numpy as np

from streams.batch import RecordBatch
from streams.compliance.sequences.marking import MarkedEvents
from streams.compliance.sequences.marks import About
from streams.ingest.repeated import Repeated
from streams.privacy.columns import PEOPLE, listed


def mark_repeated(marked: MarkedEvents, events: Repeated, batch: RecordBatch, digests: Sequence[bytes]) -> None:
    """All but who is in an event, its time and its id is known of its template. ``digests``: of each event's record."""
    codes, kinds = np.asarray(events.kinds.codes), events.kinds.values
    rows = np.flatnonzero(np.array([bool(kind.roles) for kind in kinds])[codes])
    asked = {name for kind in kinds for role, _ in kind.roles for name in role.by}
    said = {name: listed(events.said[name], rows) for name in PEOPLE if name in asked}
    offsets = [batch.offsets[index] for index in events.indexes[rows].tolist()]
    columns = (rows.tolist(), codes[rows].tolist(), events.times[rows].tolist(), offsets)
    for at, (row, code, time_ms, offset) in enumerate(zip(*columns, strict=True)):
        alike = kinds[code].alike
        about = About(alike.service, alike.kind, events.ids.texts[row], digests[row])
        for role, fixed in kinds[code].roles:
            values = [said[name][at] if name in said else value for name, value in zip(role.by, fixed, strict=True)]
            marked.put(role, alike.tenant, values, time_ms, int(offset), about if role.completing else None)
