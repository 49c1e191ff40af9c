"""ClickHouse is gone for a minute and a half (``--long``: ten) at full load: memory is bounded, and nothing is lost."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest

from tests.chaos import verify
from tests.chaos.publisher import Publisher
from tests.chaos.run import settle
from tests.chaos.scene import RESEND_DELAY, Scene, scene
from tests.chaos.truth import Truth
from tests.servers.kafka import KafkaServer

WORKERS = 2
BUFFERED = 8_000_000
"""``limits.buffered_bytes``; what a fetch brings may come on top of it once."""
MOST_GROWTH = 200_000_000
"""Of a worker's memory while it waits: many times what is buffered, and much less than what is published meanwhile."""


class Sample(NamedTuple):
    """What a worker says of itself."""

    buffered: float
    paused: float
    memory: float


@pytest.fixture
def outage(pytestconfig: pytest.Config) -> float:
    return 600.0 if pytestconfig.getoption("--long", False) else 90.0


@pytest.mark.slow
def test_memory_is_bounded_and_alerts_live_on_while_clickhouse_is_gone(
    start_kafka: Callable[..., KafkaServer], tmp_path: Path, outage: float
) -> None:
    """Reading pauses; what fires is repeated from memory; afterwards everything is there, exactly."""
    kafka = start_kafka(patience_s=300.0)
    seconds = 600 if outage < 100 else 3600
    truth = Truth(int(time.time()) // 300 * 300 - seconds - 1800, seconds, 160)
    with scene(tmp_path / "chaos", kafka, WORKERS, f"[limits]\nbuffered_bytes = {BUFFERED}\n") as there:
        publisher = Publisher(kafka.bootstrap_servers, there.topics, truth, outage + 20)
        publisher.first_second()
        publisher.start()
        _until(lambda: "firing" in _told(there), "an alert to fire")
        before = list(_samples(there))

        there.proxy.away(True)
        samples, silent = watch(there, outage)
        there.proxy.away(False)

        publisher.close()
        settle(there, truth)
        verify.offsets(there, truth)
        verify.verdicts(there, truth)
        verify.windows(there, truth)
        verify.transitions(there, truth)
    growth = max(now.memory for now in samples) - max(first.memory for first in before)
    buffered, published = max(now.buffered for now in samples), sum(sum(truth.ends(topic)) for topic in there.topics)
    print(
        f"\nback-pressure: {outage:.0f} s without ClickHouse while {published} records came: at most"
        f" {buffered / 1e6:.1f} MB buffered, {growth / 1e6:+.0f} MB of memory; at most {silent:.0f} s without an alert"
    )
    assert any(now.paused for now in samples), "reading never paused"
    assert growth < MOST_GROWTH
    assert silent < 3 * RESEND_DELAY, "alerts that fire were not repeated from memory throughout"


def watch(there: Scene, seconds: float) -> tuple[list[Sample], float]:
    """Samples of all workers during so many seconds, and the longest time in which no alert was told, in seconds."""
    samples, told, silent = [], len(_told(there)), 0.0
    began = last = time.monotonic()
    while time.monotonic() < began + seconds:
        time.sleep(1)
        samples += _samples(there)
        now, before, told = time.monotonic(), told, len(_told(there))
        silent = max(silent, now - last)
        last = now if told > before else last
    return samples, silent


def _told(there: Scene) -> list[str]:
    """The states that Alertmanager was told, in order."""
    posted = [alert for body in list(there.bodies) for alert in orjson.loads(body)]
    return ["firing" if alert["endsAt"] > alert["startsAt"] else "resolved" for alert in posted]


def _samples(there: Scene) -> Iterator[Sample]:
    for number in range(WORKERS):
        page = there.page(there.http_port + number)
        if page:
            names = ("tidewatch_buffered_bytes", "tidewatch_back_pressure_paused", "process_resident_memory_bytes")
            yield Sample(*(float(found[1]) for name in names if (found := re.search(rf"^{name} (\S+)", page, re.M))))


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.5)
