"""Several workers of one group share an embedded ClickHouse, and one of them may die."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.pipeline import pipeline, publish
from tests.servers.kafka import create_topic

EVENTS, PARTITIONS = 100_000, 8


def children(pid: int) -> list[int]:
    """The worker processes below a supervisor."""
    below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in below if b"worker" in Path(f"/proc/{child}/cmdline").read_bytes()]


@pytest.mark.slow
def test_two_workers_share_the_work_and_a_dead_one_is_replaced(kafka: str, tmp_path: Path) -> None:
    at = int(time.time()) // 60 * 60 - 300

    def records(first: int, count: int) -> list[tuple[int, bytes]]:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)).encode()
        return [
            (
                number % PARTITIONS,
                b'{"specversion":"1.0","type":"tidewatch.metric","id":"%d","source":"/t","time":"%s","data":'
                b'{"service":"s","name":"done","kind":"counter","value":1}}' % (number, stamp),
            )
            for number in range(first, first + count)
        ]

    with pipeline(tmp_path, kafka, partitions=PARTITIONS, workers=2) as running:
        topic = running.topics["metrics"]
        create_topic(kafka, topic, PARTITIONS)
        running.start()
        assert running.process is not None
        running.wait(lambda: len(children(running.process.pid)) == 2, "two workers")
        publish(kafka, topic, records(0, EVENTS // 2))
        stored = "SELECT count() FROM raw_metrics"
        running.wait(lambda: (running.value(stored) or 0) >= EVENTS // 10, "the first rows")

        os.kill(children(running.process.pid)[0], signal.SIGKILL)
        publish(kafka, topic, records(EVENTS // 2, EVENTS // 2))
        running.wait(lambda: (running.value(stored) or 0) >= EVENTS, "all rows")
        total = "SELECT sum(sum) FROM windows FINAL WHERE window_seconds = 60"
        running.wait(lambda: running.value(total) == EVENTS, "the window")

        assert running.value("SELECT count() FROM (SELECT DISTINCT _partition, _offset FROM raw_metrics)") == EVENTS
        assert running.value(stored) == EVENTS
        assert len(children(running.process.pid)) == 2
        running.stop()
