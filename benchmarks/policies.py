"""What judging costs: microseconds of processor time an event, with every shipped policy. ``make bench-policies``.

The events are those of :mod:`benchmarks.acts`, other ones in each round, in batches as a worker that is behind makes
them. *All of Ingest* is from the bytes of the records to the rows of ``raw_processing`` and ``verdicts``, with
pseudonyms of people and the digest of each record, the increments of the series that count verdicts, the findings for
the evidence ledger, and what the policies about sequences are told. For comparison, the same records are decoded with
msgspec and nothing else is done.
"""

import argparse
import datetime
import gc
import os
import random
import time
from collections.abc import Callable
from typing import Any

import msgspec

from benchmarks import acts, machine, report
from schemas.config import Limits, Windows
from schemas.events import ProcessingEvent
from streams.batch import Partition, RecordBatch
from streams.compliance.judging import Judge
from streams.compliance.sequences.marking import Marker
from streams.compliance.shipped import shipped
from streams.ingest.ingest import Ingest, Ingested
from streams.privacy.protection import Protection
from streams.privacy.pseudonyms import Pseudonyms
from streams.privacy.rules import Classes
from streams.texts import Texts
from streams.worker.memory import bound

NOW_MS = int((acts.START + datetime.timedelta(days=1)).timestamp() * 1000)
_LEARNING = 6
"""Rounds before those that count."""

DECODE = "to decode alone, with msgspec"
JUDGE = "to judge alone, facts seen before"
SEEN = "all of Ingest, kinds of processing seen before"
UNSEEN = "all of Ingest, every event from a source of its own"


def protection() -> Protection:
    """As a worker's, with a key for pseudonyms."""
    return Protection(Classes(), Pseudonyms(os.urandom(32)))


def ingest(values: Texts, by: Ingest) -> Ingested:
    """One batch, its records side by side as a fetch brings them."""
    count = len(values)
    times = [NOW_MS] * count
    return by(RecordBatch(Partition("data-processing", 0), range(count), values, None, times, count), NOW_MS, "c")


def measured(size: int, rounds: int) -> report.Judging:
    """Microseconds of each step in each round, in turn with the others."""
    chance = random.Random(7)
    kinds, decode = acts.kinds(chance), msgspec.json.Decoder(ProcessingEvent).decode
    loaded = shipped()
    judge, marker = Judge(loaded.policies), Marker(loaded.sequences, loaded.attributes)
    known, new = (Ingest(Windows(), Limits(), judge, protection(), marker) for _ in range(2))
    found: dict[str, list[float]] = {DECODE: [], JUDGE: [], SEEN: [], UNSEEN: []}
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # as the worker does, and so is its memory
    bound()
    verdicts = violations = 0
    for round_ in range(_LEARNING + rounds):
        records = acts.records(size, round_, kinds)
        odd = list(acts.unlike_all(records[: size // 4], round_))
        fetched, fetched_odd = Texts.of(records), Texts.of(odd)
        events = list(map(decode, records))
        taken = {
            DECODE: _us(lambda records=records: list(map(decode, records)), size),  # type: ignore[misc]
            JUDGE: _us(lambda events=events: list(map(judge, events)), size),  # type: ignore[misc]
            SEEN: _us(lambda fetched=fetched: ingest(fetched, known), size),  # type: ignore[misc]
            UNSEEN: _us(lambda fetched_odd=fetched_odd: ingest(fetched_odd, new), len(odd)),  # type: ignore[misc]
        }
        if round_ >= _LEARNING:
            for name, us in taken.items():
                found[name].append(us)
            judged = [judge(event) for event in events]
            verdicts += sum(map(len, judged))
            violations += sum(any(v.verdict == "non_compliant" for v in each) for each in judged)
    number = size * rounds
    return report.Judging(
        datetime.date.today().isoformat(),
        machine.this(),
        found,
        len(judge.policies),
        verdicts / number,
        violations / number,
    )


def _us(run: Callable[[], Any], number: int) -> float:
    """Of this thread's processor time an event: what a neighbour takes is not ours."""
    begun = time.thread_time()
    run()
    return (time.thread_time() - begun) / number * 1e6


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="make bench-policies", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--events", type=int, default=25_000, help="of a round")
    given = parser.parse_args()
    result = measured(given.events, given.rounds)
    print(report.judging_table(result))
    report.RESULTS.mkdir(exist_ok=True)
    path = report.RESULTS / f"policies-{result.date}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result)))
    print(f"\nwritten to {path.relative_to(report.RESULTS.parents[1])}")


if __name__ == "__main__":
    main()
