"""``make bench-guard``: has the ingest path become slower? Quick, and sound on a noisy machine.

Processor time of Ingest on a fixed batch, in multiples of what msgspec takes on the same machine, at the same moment,
to decode the same bytes. Rounds of both alternate; the lowest time of each is compared, as noise only ever adds. The
multiples are held against those in ``guard.json`` with a generous bound, so as to catch a fast way that is lost and
not a per cent; what is beyond it is measured again before it counts. ``--write`` makes the present multiples the
baseline.
"""

import argparse
import gc
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import acts, events
from benchmarks.policies import protection
from schemas.config import Limits, Windows
from schemas.events import MetricEvent, ProcessingEvent
from streams.batch import Partition, RecordBatch
from streams.compliance import judge
from streams.ingest.ingest import Ingest

BOUND = 1.6
EVENTS = 50_000
ROUNDS = 9
NOW_MS = 1_795_342_530_125

_BASELINE = Path(__file__).with_name("guard.json")
_KINDS, _JUDGED = 300, 20_000
_LEARNING = 4
_AGAIN = 2
"""Times that a result beyond the bound is measured again."""


def multiples() -> dict[str, float]:
    """Processor time of Ingest over that of decoding: of records that are recognised, of such as never are, and of
    processing events with their verdicts.
    """
    known = [record for chunk in events.chunks(EVENTS) for record in chunk.records]
    kinds = acts.kinds(random.Random(7), _KINDS)
    return {
        "recognised": _multiple(lambda _: known, MetricEvent),
        "decoded": _multiple(lambda round_: from_anywhere(known, round_), MetricEvent),
        "judged": _multiple(lambda round_: acts.records(_JUDGED, round_, kinds), ProcessingEvent),
    }


def from_anywhere(records: Sequence[bytes], round_: int) -> list[bytes]:
    """The same events, each from a source of its own, which nothing that was learned knows."""
    return [record.replace(b'/1"', b'/%d-%d"' % (round_, number), 1) for number, record in enumerate(records)]


def _multiple(records_of: Callable[[int], list[bytes]], event: type[MetricEvent | ProcessingEvent]) -> float:
    """Of the records of each round, after some to learn from."""
    ingest, decode = Ingest(Windows(sizes=[10]), Limits(), judge, protection()), msgspec.json.Decoder(event).decode
    ours, theirs = [], []
    for round_ in range(_LEARNING + ROUNDS):
        records = records_of(round_)
        count = len(records)
        batch = RecordBatch(Partition("any", 0), range(count), records, None, [NOW_MS] * count, count)
        ours.append(_seconds(partial(ingest, batch, NOW_MS, "c")))
        theirs.append(_seconds(partial(list, map(decode, records))))
    return min(ours) / min(theirs)


def slower(found: Mapping[str, float], baseline: Mapping[str, float]) -> list[str]:
    """What takes more than the bound allows."""
    return [name for name, multiple in found.items() if multiple > BOUND * baseline[name]]


def _seconds(step: Callable[[], Any]) -> float:
    gc.collect()
    began = time.process_time()
    step()
    return time.process_time() - began


def main() -> None:
    """Compare, or write the baseline."""
    parser = argparse.ArgumentParser(prog="make bench-guard", description=__doc__)
    parser.add_argument("--write", action="store_true", help="make what is measured now the baseline")
    given = parser.parse_args()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # as the worker does
    baseline = msgspec.json.decode(_BASELINE.read_bytes(), type=dict[str, float])
    found = {name: round(multiple, 2) for name, multiple in multiples().items()}
    for _ in range(_AGAIN):
        if given.write or not slower(found, baseline):
            break
        print("slower than allowed, or disturbed: measuring again")
        found = {name: min(found[name], round(multiple, 2)) for name, multiple in multiples().items()}
    if given.write:
        _BASELINE.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
        baseline = found
    for name, multiple in found.items():
        print(f"{name:10}  {multiple:5.2f} times decoding; baseline {baseline[name]:.2f}, bound {BOUND} times that")
    if names := slower(found, baseline):
        sys.exit(f"Ingest has become slower ({', '.join(names)}): find out where with `make bench-steps`.")


if __name__ == "__main__":
    main()
