"""The Numenta Anomaly Benchmark's series (https://github.com/numenta/NAB): CSV files of timestamp and value.

The files keep their disorder: duplicate times, one step back, and gaps of up to seven days are in the data.
"""

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from schemas.events import Metric, MetricEvent
from schemas.failures import Rejected
from sources import Options

NAME = "nab"
DESCRIPTION = "A CSV of `timestamp,value` becomes a gauge named after the file; times without an offset are UTC."


def detect(name: str, first: bytes) -> bool:
    """The header line of all its files."""
    return first.split(b"\n", 1)[0].strip().lower() == b"timestamp,value"


def events(lines: Iterable[bytes], options: Options) -> Iterator[MetricEvent]:
    """One gauge event of the service ``nab`` a row. Raises ``Rejected`` with the line number for what is no row."""
    metric = options.name.removesuffix(".csv") or "value"
    rows = csv.reader(line.decode() for line in lines)
    next(rows, None)
    for row in rows:
        try:
            moment, value = datetime.fromisoformat(row[0]), float(row[1])
        except (ValueError, IndexError):
            raise Rejected(f"{options.name}, line {rows.line_num}: not a row of timestamp and value") from None
        yield MetricEvent(
            specversion="1.0",
            id=f"{metric}-{rows.line_num}",
            source=f"/nab/{metric}",
            time=moment if moment.tzinfo else moment.replace(tzinfo=UTC),
            data=Metric(service="nab", name=metric, kind="gauge", value=value),
        )
