"""Microseconds of each step between a fetch and the broker or ClickHouse, in isolation: ``make bench-steps``.

Every step works on the same events, cut into batches as a worker that is behind makes them, and is run again and
again in turn with the others; the table gives the median and the range of processor time an event. ``ceiling`` is what
no pipeline of msgspec can be faster than: values taken from the record batches and decoded, nothing else.
"""

import argparse
import datetime
import gc
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
from aiokafka.record.default_records import DefaultRecordBatch

from benchmarks import fetched, machine, report
from schemas.config import ClickHouse as Settings
from schemas.config import Limits, Windows
from schemas.events import MetricEvent
from schemas.sla import Sla
from schemas.tables import Coded
from sinks.clickhouse import ClickHouse
from sinks.clickhouse_columns import file_bytes, record_batch
from sinks.migrations import migrate
from streams.batch import RecordBatch
from streams.compliance import judge
from streams.ingest.fold import cells, deltas
from streams.ingest.ingest import EARLIEST_MS, Ingest
from streams.ingest.observed import Observed
from streams.rules.engine import RuleEngine
from streams.stages.protocol import join, split
from streams.windows import deltas as packing
from streams.windows.columns import Batch
from streams.windows.tenant import Settings as TenantSettings
from streams.windows.tenant import Tenant

BATCH = 25_000
"""Records of one partition in a round, of which 50,000 is the most."""
NOW_MS = 1_795_342_530_125
_MOST_PASSES = 100
"""Until every template is known."""
_FETCHES = 100
"""More than there are rounds: a fetch can be unpacked once."""

Columns = Mapping[str, Sequence[Any] | Coded]

CODECS = {"zstd": DefaultRecordBatch.CODEC_ZSTD, "lz4": DefaultRecordBatch.CODEC_LZ4}
UNPACK, UNPACK_LZ4 = (f"values from the record batches ({codec})" for codec in CODECS)
INGEST = "all of Ingest, with rows as columns"
PACK, MERGE = "pack the deltas", "unpack the deltas and merge them"
PATH = [UNPACK, INGEST, PACK, MERGE]
"""From the fetch to the windows."""
CEILING = "ceiling: values, decoded by msgspec"

Step = tuple[str, Callable[[], Any]]


def steps(events: int, directory: Path) -> list[Step]:
    """Each step as a call that processes ``events`` events."""
    sent = {codec: [fetched.wire(records, CODECS[codec]) for records in fetched.partitions(events)] for codec in CODECS}
    batches = _batches(fetched.unpacked(fetched.fetches(sent["zstd"])))
    ingest = Ingest(Windows(sizes=[10]), Limits(), judge)
    _teach(ingest, batches)
    results = [ingest(batch, NOW_MS, "c") for batch in batches]
    observed = [_recognised(ingest, batch) for batch in batches]
    folded = [cells(ingest.table, o.series, o.times, o.values) for o in observed]
    packed = [packing.encode(delta) for result in results for delta in result.deltas]
    rows = [cast(Columns, result.raw["raw_metrics"]) for result in results]
    sink = ClickHouse(Settings(url=f"chdb:{directory}"))
    migrate(sink)
    decode = msgspec.json.Decoder(MetricEvent).decode
    waiting = {codec: iter([fetched.fetches(each) for _ in range(_FETCHES)]) for codec, each in sent.items()}

    def unpack(codec: str) -> list[RecordBatch]:
        return fetched.unpacked(next(waiting[codec]))

    def ceiling() -> None:
        for batch in unpack("zstd"):
            list(map(decode, batch.values))  # type: ignore[arg-type] # there are no tombstones

    return [
        (UNPACK, lambda: unpack("zstd")),
        (UNPACK_LZ4, lambda: unpack("lz4")),
        ("recognise: ids, times, values, series", lambda: [_recognised(ingest, batch) for batch in batches]),
        ("fold into panes", lambda: [cells(ingest.table, o.series, o.times, o.values) for o in observed]),
        ("deltas", lambda: [_deltas(ingest, b, f) for b, f in zip(batches, folded, strict=True)]),
        (INGEST, lambda: [ingest(batch, NOW_MS, "c") for batch in batches]),
        (PACK, lambda: [packing.encode(delta) for result in results for delta in result.deltas]),
        (MERGE, lambda: _merge(packed)),
        ("rows to Arrow", lambda: [file_bytes(record_batch("raw_metrics", row), None) for row in rows]),
        ("rows to Arrow, lz4", lambda: [file_bytes(record_batch("raw_metrics", row), "lz4") for row in rows]),
        ("rows to Arrow and into chDB", lambda: _insert(sink, rows)),
        (CEILING, ceiling),
    ]


def _batches(unpacked: list[RecordBatch]) -> list[RecordBatch]:
    """What was taken of each partition, in batches of :data:`BATCH`."""
    found: list[RecordBatch] = []
    for _, parts in groupby(unpacked, key=lambda batch: batch.partition):
        rest: RecordBatch | None = join(list(parts))
        while rest is not None:
            first, rest = split(rest, BATCH)
            found.append(first)
    return found


def _teach(ingest: Ingest, batches: Sequence[RecordBatch]) -> None:
    for _ in range(_MOST_PASSES):
        for batch in batches:
            ingest(batch, NOW_MS, "c")
        if not any(_unknown(ingest, batch) for batch in batches):
            return


def _unknown(ingest: Ingest, batch: RecordBatch) -> int:
    """How many records are not recognised."""
    _, rest = ingest.recogniser.recognise(batch.values, np.arange(len(batch.values)), EARLIEST_MS, NOW_MS)
    return len(rest)


def _recognised(ingest: Ingest, batch: RecordBatch) -> Observed:
    everything = np.arange(len(batch.values))
    [observed], rest = ingest.recogniser.recognise(batch.values, everything, EARLIEST_MS, NOW_MS)
    assert not len(rest), "every template should be known by now"
    return observed


def _deltas(ingest: Ingest, batch: RecordBatch, folded: Batch) -> list[packing.PaneDelta]:
    return list(deltas(ingest.table, folded, batch.partition, batch.offsets[0], batch.offsets[-1], "c"))


def _merge(packed: list[bytes]) -> None:
    settings = TenantSettings((10_000,), 600_000, 200_000, 1000, Sla())
    tenant = Tenant("default", settings, RuleEngine([], "default"))
    for value in packed:
        delta = packing.decode(value)
        assert isinstance(delta, packing.PaneDelta)
        tenant.merge(delta.series, delta.cells, 0)


def _insert(sink: ClickHouse, rows: list[Columns]) -> None:
    for row in rows:
        sink.insert("raw_metrics", row, str(time.monotonic_ns()))


def measured(steps: list[Step], events: int, rounds: int) -> dict[str, list[float]]:
    """Microseconds of processor time an event, of each step in each round; the first round only warms up."""
    found: dict[str, list[float]] = {name: [] for name, _ in steps}
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # as the worker does
    for number in range(rounds + 1):
        for name, step in steps:
            began = time.process_time()
            step()
            if number:
                found[name].append((time.process_time() - began) / events * 1e6)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--events", type=int, default=200_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        found = measured(steps(given.events, Path(directory)), given.events, given.rounds)
    result = report.Steps(datetime.date.today().isoformat(), machine.this(), found, PATH, CEILING)
    print(report.steps_table(result))
    print(f"\n{report.ceiling_sentence(result)}")
    report.RESULTS.mkdir(exist_ok=True)
    path = report.RESULTS / f"steps-{result.date}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result)))
    print(f"\nwritten to {path.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
