"""The Nezha data set's metrics (https://github.com/IntelligentDDS/Nezha): a shop with injected faults, by the minute.

``front_service.csv`` has a success rate and four latency percentiles a minute; the files of the pods have CPU and
memory. All events of a row carry the row's second, so they fall into one window of a minute.
"""

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from schemas.events import Event, Health, HealthEvent, Metric, MetricEvent
from schemas.failures import Rejected
from sources import Options

NAME = "nezha"
DESCRIPTION = "Nezha's front_service.csv: requests, latencies and heartbeats by the minute; its pod files: CPU, memory."

REQUESTS_A_MINUTE = 120
"""Requests in a minute whose rate is 100 %: the file has no counts, and the other minutes' fractions are near this."""

LARGEST_TOTAL = 1000
"""No minute had more requests, so a rate is the fraction with at most this denominator that is nearest to it."""

HEARTBEAT_SECONDS = 10
MEBIBYTE = 1_048_576


def detect(name: str, first: bytes) -> bool:
    """The header line of either kind of file."""
    header = first.split(b"\n", 1)[0]
    return header.startswith(b"Time,TimeStamp,") and (b"SuccessRate(%)" in header or b"PodName" in header)


def events(lines: Iterable[bytes], options: Options) -> Iterator[Event]:
    """Raises ``Rejected`` with the line number for a row that lacks a number."""
    rows = csv.DictReader(line.decode() for line in lines)
    kind = _pod if "PodName" in (rows.fieldnames or ()) else _front_service
    for row in rows:
        try:
            yield from kind(row)
        except (KeyError, TypeError, ValueError):
            raise Rejected(f"{options.name}, line {rows.line_num}: not a row of Nezha's metrics") from None


def requests(success_percent: float) -> tuple[int, int]:
    """Good and total requests of a minute: the smallest numbers with its rate; 49.586776859504134 % is 60 of 121."""
    ratio = Fraction(success_percent / 100).limit_denominator(LARGEST_TOTAL)
    if ratio == 1:
        return REQUESTS_A_MINUTE, REQUESTS_A_MINUTE
    return ratio.numerator, ratio.denominator


def latencies(p50: float, p90: float, p95: float, p99: float) -> list[float]:
    """Samples, seconds, ascending, whose percentiles are the given ones: the k-th of 100 is the k-th percentile.

    Between the given percentiles they lie on straight lines; below the median they begin at half of it, and nothing is
    above the 99th percentile, because the file says nothing about either end.
    """
    knots = [(0, p50 / 2), (50, p50), (90, p90), (95, p95), (99, p99), (100, p99)]
    samples = []
    for (left, low), (right, high) in pairwise(knots):
        samples += [high - (high - low) * (right - k) / (right - left) for k in range(left + 1, right + 1)]
    return samples


def _front_service(row: dict[str, str]) -> Iterator[Event]:
    service, second = row["ServiceName"], int(row["TimeStamp"])
    good, total = requests(float(row["SuccessRate(%)"]))
    p50, p90, p95, p99 = (float(row[f"LatencyP{p}(s)"]) for p in (50, 90, 95, 99))
    for back in range(60 - HEARTBEAT_SECONDS, -1, -HEARTBEAT_SECONDS):
        yield _heartbeat(service, second - back)
    yield _metric(service, second, "good", "requests_total", "counter", good, labels={"outcome": "success"})
    yield _metric(service, second, "bad", "requests_total", "counter", total - good, labels={"outcome": "error"})
    for number, seconds in enumerate(latencies(p50, p90, p95, p99)):
        yield _metric(service, second, f"l{number}", "request_duration_seconds", "histogram", seconds, "s")


def _pod(row: dict[str, str]) -> Iterator[Event]:
    pod, second = row["PodName"], int(row["TimeStamp"])
    service = pod.rsplit("-", 2)[0]
    memory, percent = float(row["MemoryUsage(Mi)"]) * MEBIBYTE, float(row["MemoryUsageRate(%)"])
    gauges = [("cpu_usage_percent", float(row["CpuUsageRate(%)"]), "%"), ("memory_usage_bytes", memory, "By")]
    if percent:
        gauges.append(("memory_total_bytes", round(memory / percent * 100), "By"))
    for name, value, unit in gauges:
        yield _metric(service, second, f"{pod}-{name}", name, "gauge", value, unit, {"pod": pod})


def _metric(
    service: str,
    second: int,
    suffix: str,
    name: str,
    kind: Literal["counter", "gauge", "histogram"],
    value: float,
    unit: str = "",
    labels: dict[str, str] | None = None,
) -> MetricEvent:
    return MetricEvent(
        specversion="1.0",
        id=f"{second}-{suffix}",
        source=f"/nezha/{service}",
        time=datetime.fromtimestamp(second, UTC),
        data=Metric(service=service, name=name, kind=kind, value=float(value), unit=unit, labels=labels or {}),
    )


def _heartbeat(service: str, second: int) -> HealthEvent:
    return HealthEvent(
        specversion="1.0",
        id=f"{second}-up",
        source=f"/nezha/{service}",
        time=datetime.fromtimestamp(second, UTC),
        data=Health(service=service, status="up"),
    )
