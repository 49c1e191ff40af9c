"""Workers and broker are broken again and again; at the end every record is there once, and every sum is right."""

import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random, randrange
from threading import Thread
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.chaos.faults import FAULTS, Scene
from tests.e2e import events
from tests.e2e.pipeline import Pipeline, pipeline
from tests.servers.kafka import KafkaServer

PARTITIONS, WORKERS = 12, 2
A_TURN = 1200
"""Records published at a time, four times a second; every hundredth is one that nobody can read."""


class Truth:
    """Publishes, and knows what was acknowledged."""

    def __init__(self, server: KafkaServer, topic: str, at: float) -> None:
        self.server, self.topic, self.at = server, topic, at
        self.published = self.dead = 0
        self.stop = False
        self.failed: BaseException | None = None
        self.thread = Thread(target=self._run)

    def _run(self) -> None:
        from confluent_kafka import Producer

        options = {"bootstrap.servers": self.server.bootstrap_servers, "enable.idempotence": True, "linger.ms": 20}
        producer = Producer(options)
        try:
            while not self.stop:
                for number in range(self.published, self.published + A_TURN):
                    good = number % 100
                    value = events.metric(self.at, "done", 1, "counter") if good else b"{poison"
                    producer.produce(self.topic, value, partition=number % PARTITIONS, on_delivery=self._delivered)
                    self.dead += not good
                self.published += A_TURN
                time.sleep(0.25)
                producer.poll(0)
                while len(producer) > A_TURN:
                    producer.poll(1)  # the broker is away
            assert producer.flush(60) == 0
        except BaseException as error:
            self.failed = error

    def _delivered(self, error: Any, _: Any) -> None:
        assert error is None, error


@pytest.mark.slow
def test_everything_is_there_once_whatever_was_broken(
    start_kafka: Callable[..., KafkaServer], tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """Raw rows are the published less the dead letters, offsets without gap or double, and the window sums equal."""
    seconds = pytestconfig.getoption("--seconds", None)
    if not seconds:
        pytest.skip("takes minutes: make chaos-short")
    seed = pytestconfig.getoption("--seed", None)
    seed = randrange(2**16) if seed is None else seed
    print(f"\nchaos: --seed {seed}")
    server = start_kafka()
    with pipeline(tmp_path, server.bootstrap_servers, partitions=PARTITIONS, workers=WORKERS) as running:
        server.create_topic(running.topics["metrics"], PARTITIONS)
        running.start()
        truth = Truth(server, running.topics["metrics"], time.time() // 60 * 60 - 120)
        truth.thread.start()
        met = suffer(Scene(running, server, Random(seed)), seconds)
        truth.stop = True
        truth.thread.join()
        assert truth.failed is None
        verify(running, truth)
        print("chaos: met", dict(met + sometimes(running)), f"in {truth.published} records")
        running.stop()


def suffer(scene: Scene, seconds: float) -> Counter[str]:
    """One fault after the other; what happened, and what the workers said before they were broken."""
    met: Counter[str] = Counter()
    end, last = time.monotonic() + seconds, None
    while time.monotonic() < end:
        time.sleep(scene.random.uniform(4, 9))
        fault = scene.random.choice([fault for fault in FAULTS if fault is not last])
        print(f"chaos: {fault.__name__}")
        met[fault.__name__] += 1
        fault(scene)
        last = fault
    return met


def verify(running: Pipeline, truth: Truth) -> None:
    good = truth.published - truth.dead
    rows = "SELECT count() FROM {} WHERE _topic != ''"
    running.wait(lambda: (running.value(rows.format("raw_metrics")) or 0) >= good, "all rows", 180)
    running.wait(lambda: (running.value(rows.format("dead_letters")) or 0) >= truth.dead, "all dead letters")
    total = "SELECT toUInt64(sum(sum)) FROM windows FINAL WHERE window_seconds = 60 AND name = 'done'"
    running.wait(lambda: running.value(total) == good, f"a window of {good}")
    both = "(SELECT _partition, _offset FROM raw_metrics UNION ALL SELECT _partition, _offset FROM dead_letters)"
    found = running.query(
        "SELECT _partition AS p, count() AS rows, uniqExact(_offset) AS offsets, min(_offset) AS low,"
        f" max(_offset) AS high FROM {both} GROUP BY p ORDER BY p"
    )
    each = truth.published // PARTITIONS
    assert found == [{"p": p, "rows": each, "offsets": each, "low": 0, "high": each - 1} for p in range(PARTITIONS)]
    assert running.value(rows.format("raw_metrics")) == good


def sometimes(running: Pipeline) -> Counter[str]:
    """Which hard cases the workers that are there now have met."""
    wanted = ("tidewatch_recovered_batches_total", "tidewatch_repaired_rows_total", "tidewatch_sink_retries_total")
    met: Counter[str] = Counter()
    for number in range(WORKERS):
        with urllib.request.urlopen(f"http://127.0.0.1:{running.http_port + number}/metrics", timeout=10) as answer:
            for family in text_string_to_metric_families(answer.read().decode()):
                for sample in family.samples:
                    if sample.name in wanted:
                        met[" ".join([sample.name, *sample.labels.values()])] += int(sample.value)
    return met
