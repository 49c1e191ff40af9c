"""A million events over 8 partitions, a worker killed while it writes: every event once, every sum right."""

import random
import time
from collections import defaultdict
from pathlib import Path

import pytest

from tests.e2e.pipeline import pipeline, publish
from tests.servers.kafka import create_topic

EVENTS, PARTITIONS, SERVICES = 1_000_000, 8, 20
SECONDS = 240
"""Event time that the events span; it ended a while ago, so every one-minute window closes."""


def events(start: int) -> list[tuple[int, bytes]]:
    """(partition, record), in the order of event time."""
    made = []
    for number in range(EVENTS):
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(start + number * SECONDS // EVENTS))
        made.append(
            (
                number % PARTITIONS,
                b'{"specversion":"1.0","type":"tidewatch.metric","id":"%d","source":"/t","time":"%s.%03dZ","data":'
                b'{"service":"s%d","name":"jobs.done","kind":"counter","value":%d,"labels":{"k":"v"}}}'
                % (number, at.encode(), number % 1000, number % SERVICES, number % 7),
            )
        )
    return made


@pytest.mark.slow
def test_a_million_events_are_stored_once_though_a_worker_is_killed(kafka: str, tmp_path: Path) -> None:
    start = int(time.time()) // 60 * 60 - SECONDS - 120
    truth: dict[tuple[str, int], float] = defaultdict(float)
    for number in range(EVENTS):
        truth[f"s{number % SERVICES}", start + number * SECONDS // EVENTS // 60 * 60] += number % 7
    with pipeline(tmp_path, kafka, partitions=PARTITIONS) as running:
        create_topic(kafka, running.topics["metrics"], PARTITIONS)
        publish(kafka, running.topics["metrics"], events(start))

        running.start()
        stored = "SELECT count() FROM raw_metrics"
        at_least = random.randrange(EVENTS // 10, EVENTS * 7 // 10)
        running.wait(lambda: (running.value(stored) or 0) >= at_least, f"{at_least} rows")
        running.kill()
        running.start()
        running.wait(lambda: (running.value(stored) or 0) >= EVENTS, "all rows")
        closed = "SELECT count() FROM windows FINAL WHERE window_seconds = 60"
        running.wait(lambda: (running.value(closed) or 0) >= len(truth), "all windows")

        assert running.value(stored) == EVENTS
        offsets = running.query(
            "SELECT _partition AS p, count() AS rows, uniqExact(_offset) AS offsets, min(_offset) AS low,"
            " max(_offset) AS high FROM raw_metrics GROUP BY p ORDER BY p"
        )
        expected = EVENTS // PARTITIONS
        assert offsets == [
            {"p": p, "rows": expected, "offsets": expected, "low": 0, "high": expected - 1} for p in range(PARTITIONS)
        ]
        rows = running.query(
            "SELECT service, toUnixTimestamp(window_start) AS start, sum FROM windows FINAL WHERE window_seconds = 60"
        )
        assert {(row["service"], row["start"]): row["sum"] for row in rows} == dict(truth)
        running.stop()
