"""Steps of sequences among processing events that are like earlier ones."""

from hashlib import sha256

import numpy as np

from streams.batch import RecordBatch
from streams.compliance.sequences.marking import MarkedEvents
from streams.compliance.sequences.marks import About
from streams.ingest.repeated import Repeated
from streams.privacy.columns import PEOPLE


def mark_repeated(marked: MarkedEvents, events: Repeated, batch: RecordBatch) -> None:
    """All but who is in an event, its time and its id is known of its template."""
    codes, kinds = np.asarray(events.kinds.codes), events.kinds.values
    rows = np.flatnonzero(np.array([bool(kind.roles) for kind in kinds])[codes])
    said = {name: np.asarray(events.said[name].codes)[rows].tolist() for name in PEOPLE}
    columns = (rows.tolist(), codes[rows].tolist(), events.indexes[rows].tolist(), events.times[rows].tolist())
    for at, (row, code, index, time_ms) in enumerate(zip(*columns, strict=True)):
        alike, digest = kinds[code].alike, sha256(batch.values[index] or b"").digest()
        about = About(alike.service, alike.kind, events.ids.texts[row], digest)
        for role, fixed in kinds[code].roles:
            values = [
                events.said[name].values[said[name][at]] if name in said else value
                for name, value in zip(role.by, fixed, strict=True)
            ]
            offset = int(batch.offsets[index])
            marked.put(role, alike.tenant, values, time_ms, offset, about if role.completing else None)
