"""Generated traffic beside the real data: heartbeats, requests and response times.

How much and how fast is set below, not measured. One service is silent for some minutes, as if its host had died, and
the recorded front service goes on in good health when its record ends.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from schemas.events import Event, Health, HealthEvent, Metric, MetricEvent


class Service(NamedTuple):
    """How a service usually does."""

    name: str
    requests: int
    """In a slot of ten seconds, on average."""
    median_seconds: float
    failing: float
    """Share of slots in which one request fails."""
    silent: range = range(0)
    """Seconds in which it says nothing."""


SERVICES = (
    Service("payments", 45, 0.040, 0.01, silent=range(54 * 60, 60 * 60)),
    Service("profile-api", 120, 0.018, 0.03),
    Service("clinic-records", 25, 0.045, 0.005),
    Service("Frontend", 20, 0.200, 0.0, silent=range(7_220)),  # before, its recorded requests are replayed
)
SLOT_SECONDS = 10
LATENCIES = 4
"""Measured requests of a slot."""


def traffic(begin: datetime, seconds: int, seed: int) -> Iterator[Event]:
    """Events of ``seconds`` from ``begin`` on, by time; the last ones are heartbeats just after the end."""
    chance = random.Random(seed)  # noqa: S311 - it has to be repeatable, not secret
    for slot in range(0, seconds + 1, SLOT_SECONDS):
        for number, service in enumerate(SERVICES):
            if slot in service.silent:
                continue
            moment = begin + timedelta(seconds=slot + 1 + number / 10)
            yield _heartbeat(service.name, slot, moment, round(chance.uniform(0.5, 4.0), 2))
            if slot < seconds:
                yield from _slot(service, slot, moment, chance)


def _slot(service: Service, slot: int, moment: datetime, chance: random.Random) -> Iterator[Event]:
    total = round(service.requests * chance.uniform(0.8, 1.2))
    failed = int(chance.random() < service.failing)
    yield _metric(service, slot, moment, "good", "requests_total", "counter", total - failed, {"outcome": "success"})
    if failed:
        yield _metric(service, slot, moment, "bad", "requests_total", "counter", failed, {"outcome": "error"})
    for number in range(LATENCIES):
        took = round(service.median_seconds * chance.lognormvariate(0, 0.35), 5)
        yield _metric(service, slot, moment, f"l{number}", "request_duration_seconds", "histogram", took, {}, "s")


def _metric(
    service: Service,
    slot: int,
    moment: datetime,
    suffix: str,
    name: str,
    kind: Literal["counter", "histogram"],
    value: float,
    labels: dict[str, str],
    unit: str = "",
) -> MetricEvent:
    return MetricEvent(
        specversion="1.0",
        id=f"generated-{slot}-{suffix}",
        source=f"/{service.name}/1",
        time=moment,
        data=Metric(service=service.name, name=name, kind=kind, value=float(value), unit=unit, labels=labels),
    )


def _heartbeat(service: str, slot: int, moment: datetime, took_ms: float) -> HealthEvent:
    return HealthEvent(
        specversion="1.0",
        id=f"generated-{slot}-up",
        source=f"/{service}/1",
        time=moment,
        data=Health(service=service, status="up", check_duration_ms=took_ms),
    )
