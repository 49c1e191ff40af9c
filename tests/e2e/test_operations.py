"""What an operator does with a worker: stops it, looks at it, asks it; and what a broker does to it."""

import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.events import metric
from tests.e2e.pipeline import Pipeline, Record, pipeline, publish
from tests.servers.kafka import KafkaServer, create_topic

STORED = "SELECT count() FROM raw_metrics"
TWICE = "SELECT count() - uniqExact(_partition, _offset) FROM raw_metrics"


def jobs(first: int, count: int, at: float, partitions: int) -> Iterator[tuple[int, bytes]]:
    """Increments of one, in turn to every partition."""
    for number in range(first, first + count):
        yield number % partitions, metric(at, "jobs.done", 1, "counter", worker=str(number % 5))


@pytest.mark.slow
def test_sigterm_leaves_nothing_undone_and_a_restart_repeats_nothing(kafka: str, tmp_path: Path) -> None:
    """Stopped in the middle of 60,000 events, what is committed is exactly what is stored."""
    events, partitions, now = 60_000, 4, time.time() - 60
    with pipeline(tmp_path, kafka, "[limits]\nbatch_rows = 4000\n", partitions=partitions) as running:
        topic = running.topics["metrics"]
        create_topic(kafka, topic, partitions)
        publish(kafka, topic, jobs(0, events, now, partitions))
        running.start()
        running.wait(lambda: (running.value(STORED) or 0) > 0, "the first rows")
        began = time.monotonic()
        running.stop()
        assert time.monotonic() - began < 15

        stopped = running.committed("metrics")
        assert {metadata for _, metadata, _ in stopped.values()} == {""}
        done = sum(max(offset, 0) for offset, _, _ in stopped.values())  # -1: nothing committed
        assert 0 < done < events

        running.start()
        running.wait(lambda: running.value(STORED) == events, "all rows")
        assert running.value(TWICE) == 0
        assert running.metric("tidewatch_records_total", topic=topic) == events - done
        assert running.metric("tidewatch_recovered_batches_total") == 0
        running.wait(lambda: not running.lag("metrics", "security", "processing"), "the acknowledgement")
        running.stop()
        assert {metadata for _, metadata, _ in running.committed("metrics").values()} == {""}

        running.start()
        publish(kafka, topic, jobs(events, 4, now, partitions))
        running.wait(lambda: running.value(STORED) == events + 4, "the last rows")
        assert running.metric("tidewatch_records_total", topic=topic) == 4
        running.stop()


@pytest.mark.slow
def test_a_worker_can_be_looked_at_and_asked(kafka: str, tmp_path: Path) -> None:
    """Its pages, its ClickHouse port for any client, the commands that use it, and its log."""
    with pipeline(tmp_path, kafka) as running:
        running.start()
        running.send("metrics", *(metric(time.time(), "queue.length", value, queue='a"b') for value in (1, 2, 3)))
        running.wait(lambda: running.value(STORED) == 3, "the rows")

        assert json.loads(running.page("/healthz")) == {"status": "alive"}
        assert json.loads(running.page("/readyz"))["status"] == "ready"
        families = {family.name for family in text_string_to_metric_families(running.page("/metrics"))}
        assert {"tidewatch_records", "tidewatch_consumer_lag", "tidewatch_insert_seconds"} <= families
        assert running.metric("tidewatch_events_total", type="metric") == 3

        sql = "SELECT name, value, labels FROM raw_metrics ORDER BY value DESC LIMIT 1"
        labels = '{"queue":"a\\"b"}'
        assert json.loads(running.tidewatch("sql", "--json", sql).stdout) == [
            {"name": "queue.length", "value": 3.0, "labels": labels}
        ]
        quoted = labels.replace('"', '""')
        assert running.tidewatch("sql", "--csv", sql).stdout == (
            f'"name","value","labels"\n"queue.length",3,"{quoted}"\n'
        )
        table = running.tidewatch("sql", sql).stdout
        assert "queue.length" in table
        assert "value" in table
        assert "no such column" not in running.tidewatch("sql", "SELECT nothing FROM raw_metrics", status=1).stdout

        with closing(clickhouse_connect.get_client(host="127.0.0.1", port=running.clickhouse_port)) as client:
            assert client.query("SELECT sum(value) FROM raw_metrics").first_row == (6.0,)
            with pytest.raises(DatabaseError):
                client.command("DROP TABLE raw_metrics")
        assert get(running, "SELECT sum(value) FROM raw_metrics") == "6\n"
        with pytest.raises(HTTPError):
            get(running, "TRUNCATE TABLE raw_metrics")
        assert running.value(STORED) == 3
        running.stop()
    for line in running.log.read_text().splitlines():
        assert {"time", "level", "logger", "message"} <= json.loads(line).keys()


def get(running: Pipeline, sql: str) -> str:
    """As curl would."""
    address = f"http://127.0.0.1:{running.clickhouse_port}/?{urlencode({'query': sql})}"
    with urllib.request.urlopen(address, timeout=10) as answer:
        return str(answer.read().decode())


@pytest.mark.slow
def test_every_codec_and_both_modes_of_cloudevents_are_read(kafka: str, tmp_path: Path) -> None:
    """Structured with and without a content type, and binary, from any producer."""
    now = time.time()
    structured = json.loads(metric(now, "temperature", 21.5, room="3"))
    headers = [(f"ce_{name}", str(text).encode()) for name, text in structured.items() if name != "data"]
    modes: list[Record] = [
        (None, json.dumps(structured).encode()),
        (None, json.dumps(structured).encode(), [("content-type", b"application/cloudevents+json; charset=UTF-8")]),
        (None, json.dumps(structured["data"]).encode(), [("content-type", b"application/json"), *headers]),
        (None, json.dumps(structured["data"]).encode(), headers),
    ]
    codecs = ["none", "gzip", "snappy", "lz4", "zstd"]
    with pipeline(tmp_path, kafka) as running:
        running.start()
        for codec in codecs:
            publish(kafka, running.topics["metrics"], modes * 25, **{"compression.type": codec})
        expected = len(codecs) * len(modes) * 25
        count = f"{STORED} WHERE value = 21.5 AND service = 'shop' AND event_id = '{structured['id']}'"
        running.wait(lambda: running.value(count) == expected, "every record")
        assert running.value("SELECT count() FROM dead_letters") == 0
        running.stop()


class Load:
    """``tidewatch publish`` at work on a pipe: some thousand events a second until it ends."""

    def __init__(self, running: Pipeline) -> None:
        command = [sys.executable, "-m", "streams.cli", "publish", "--json", "-"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=running.environment
        )
        self._enough = threading.Event()
        self.written = 0
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def _write(self) -> None:
        pipe, now = self._process.stdin, time.time() - 60
        assert pipe is not None
        while not self._enough.wait(0.02):
            events = [metric(now, "jobs.done", 1, "counter", service=f"w{number}") for number in range(50)]
            pipe.write(b"\n".join(events) + b"\n")
            pipe.flush()
            self.written += len(events)
        pipe.close()

    def end(self) -> dict[str, Any]:
        """Write no more; what it says when everything is stored."""
        self._enough.set()
        self._thread.join()
        assert self._process.stdout is not None
        summary: dict[str, Any] = json.loads(self._process.stdout.read())
        assert self._process.wait() == 0
        return summary

    def close(self) -> None:
        """Stop, whatever is stored."""
        self._enough.set()
        self._process.kill()
        self._process.wait()


@pytest.mark.slow
def test_a_broker_that_goes_away_in_mid_load_loses_nothing(
    start_kafka: Callable[..., KafkaServer], tmp_path: Path
) -> None:
    """Stopped and started again while events are published and read: each is stored once."""
    server, partitions = start_kafka(), 4
    with pipeline(tmp_path, server.bootstrap_servers, partitions=partitions) as running:
        topic = running.topics["metrics"]
        server.create_topic(topic, partitions)
        running.start()
        with closing(Load(running)) as load:
            running.wait(lambda: (running.value(STORED) or 0) >= 1000, "the first rows")
            server.stop()
            time.sleep(2)
            server.start()
            before = load.written
            running.wait(lambda: load.written >= before + 5000, "more events")
            summary = load.end()

        assert (summary["published"], summary["failed"]) == (load.written, 0)
        running.wait(lambda: (running.value(STORED) or 0) >= load.written, "all rows", 90)
        assert running.value(STORED) == load.written
        assert running.value(TWICE) == 0
        running.wait(lambda: not running.lag("metrics"), "the acknowledgement")
        running.stop()
