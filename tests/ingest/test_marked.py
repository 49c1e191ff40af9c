"""Steps of sequences are marked alike, whether an event was parsed or is like an earlier one."""

import random

from benchmarks import acts
from benchmarks.policies import ingest, protection
from schemas.config import Limits, Windows
from streams.compliance.sequences.marking import Marker
from streams.compliance.shipped import shipped
from streams.ingest.ingest import Ingest
from streams.texts import Texts

PROTECTION = protection()


def new_ingest() -> Ingest:
    judge = shipped()
    marker = Marker(judge.sequences, judge.attributes)
    return Ingest(Windows(), Limits(), judge, PROTECTION, marker)


def test_what_a_worker_has_learned_changes_no_mark_and_no_record_of_them() -> None:
    """One that is new folds the batch of another that had died, and must send the same records."""
    known = acts.kinds(random.Random(7), 40)
    trained = new_ingest()
    for seed in range(4):
        ingest(Texts.of(acts.records(1_000, seed, known)), trained)
    records = Texts.of(acts.records(6_000, 9, known))
    learned, fresh = ingest(records, trained), ingest(records, new_ingest())
    assert len(learned.marks) >= 1
    assert sum(len(part.marks) for part in learned.marks) > 500
    assert list(learned.marks) == list(fresh.marks)
