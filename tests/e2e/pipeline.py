"""A worker as a process of its own, to be killed, and questions to what it stored."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from uuid import uuid4

import clickhouse_connect
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import OffsetAndMetadata
from clickhouse_connect.driver.exceptions import ClickHouseError
from confluent_kafka import Producer

from streams.privacy.masterkeys import read_keys
from streams.privacy.pseudonyms import Pseudonyms
from tests.e2e import events

Record = tuple[int | None, bytes | None] | tuple[int | None, bytes | None, list[tuple[str, bytes]]]
"""Partition (None: any), value, and perhaps headers."""


class Pipeline:
    """Topics of its own on a shared broker, one chDB directory, and a worker that can die and come back."""

    def __init__(
        self, directory: Path, bootstrap: str, settings: str = "", partitions: int = 8, workers: int = 1
    ) -> None:
        self.workers = workers
        self.directory = directory
        self.bootstrap = bootstrap
        self.name = f"t{uuid4().hex[:8]}"
        self.clickhouse_port, self.http_port = _free_port(), _free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.log = directory / "worker.log"
        self.config = directory / "tidewatch.toml"
        self.environment = {**os.environ, "TMPDIR": str(directory), "TIDEWATCH_CONFIG": str(self.config)}
        topics = {"metrics": "metrics", "security": "security", "processing": "data-processing", "panes": "panes"}
        topics |= {"snapshots": "snapshots", "alerts": "alerts", "evidence": "evidence", "dead_letters": "dead-letters"}
        self.topics = {field: f"{self.name}-{topic}" for field, topic in topics.items()}
        self.config.write_text(
            f"[kafka]\nbootstrap_servers = {[bootstrap]!r}\ngroup = '{self.name}'\npartitions = {partitions}\n"
            "session_timeout = 6.0\nheartbeat_interval = 1.0\n"
            "[topics]\n" + "".join(f"{field} = '{topic}'\n" for field, topic in self.topics.items()) + "[clickhouse]\n"
            f"url = 'chdb:{directory / 'clickhouse'}'\nembedded_port = {self.clickhouse_port}\n"
            f"[http]\nport = {self.http_port}\n" + settings
        )

    def start(self) -> None:
        """Start the worker and wait until it owns its partitions."""
        command = [sys.executable, "-m", "streams.cli", "worker"]
        if self.workers > 1:
            command += ["--workers", str(self.workers)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stderr=log, stdout=log, env=self.environment, start_new_session=True
            )
        self.wait(self._ready, "the worker to be ready", 60)

    def kill(self) -> None:
        """SIGKILL: nothing is finished."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """SIGTERM: what is being written is finished."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, self.tail()

    def tidewatch(self, *arguments: str, status: int = 0) -> "subprocess.CompletedProcess[str]":
        """Run another command with this configuration; fails unless it ends with ``status``."""
        command = [sys.executable, "-m", "streams.cli", *arguments]
        run = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=300)
        assert run.returncode == status, f"{command} ended with {run.returncode}: {run.stdout}{run.stderr}"
        return run

    def replay(self, *arguments: str) -> dict[str, Any]:
        """``tidewatch replay`` as fast as it goes; its summary."""
        summary: dict[str, Any] = json.loads(
            self.tidewatch("replay", "--speed", "max", "--json", *arguments).stdout,
        )
        return summary

    def send(self, topic: str, *values: bytes | None) -> None:
        """Records to a topic, named by its field of the configuration, all to one partition."""
        publish(self.bootstrap, self.topics[topic], [(0, value) for value in values])

    def finish(self, rows: int, at: float, seconds: float = 120) -> None:
        """Let event time pass to ``at``, when so many raw rows are stored, and wait for every alert on the way.

        The event that does it raises an alert of its own, which is looked for: those before it are then on the topic.
        """
        stored = "SELECT sum(rows) FROM (SELECT count() AS rows FROM merge(currentDatabase(), '^raw_'))"
        self.wait(lambda: self.value(stored) == rows, f"{rows} raw rows")
        self.send("metrics", events.metric(at, "cpu_usage_percent", 100, service="the-end"))
        end = "SELECT count() FROM alert_history WHERE labels['service'] = 'the-end'"
        self.wait(lambda: bool(self.value(end)), "event time to pass", seconds)
        self.wait(lambda: not self.lag("alerts"), "the last alerts")

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Rows of a SELECT, asked over the worker's ClickHouse port."""
        client = clickhouse_connect.get_client(host="127.0.0.1", port=self.clickhouse_port)
        return list(client.query(sql).named_results())

    def value(self, sql: str) -> Any:
        """The one value of a SELECT; None while nobody answers."""
        try:
            return next(iter(self.query(sql)[0].values()))
        except (ClickHouseError, OSError, IndexError):
            return None

    def history(self, *rules: str) -> list[dict[str, Any]]:
        """The transitions of the alerts of some rules, oldest first; times as Unix seconds."""
        transitions = ("condition_true", "held_for", "condition_false")
        return self.query(
            "SELECT rule, state, reason, labels, annotations, value, toUnixTimestamp64Milli(active_at) / 1000 active, "
            "toUnixTimestamp64Milli(changed_at) / 1000 changed FROM alert_history FINAL"
            f" WHERE rule IN {(*rules, '')} AND reason IN {transitions} ORDER BY changed, active, state"
        )

    def handling(self, rule: str) -> list[dict[str, Any]]:
        """What was made of the firing alerts of a rule, oldest first; times as Unix seconds."""
        return self.query(
            "SELECT reason, step, labels, author, comment, toUnixTimestamp64Milli(noted_at) / 1000 noted "
            f"FROM alert_history FINAL WHERE rule = '{rule}' AND noted > 0 ORDER BY noted"
        )

    def committed(self, *topics: str) -> dict[tuple[str, int], tuple[int, str, int]]:
        """Committed offset and metadata, and the end, of every partition of these topics (fields of the config)."""
        return asyncio.run(self._committed({self.topics[field]: field for field in topics}))

    async def _committed(self, fields: dict[str, str]) -> dict[tuple[str, int], tuple[int, str, int]]:
        # Not confluent-kafka: it reads metadata past their end.
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap)
        try:
            await admin.start()
            await consumer.start()
            found = await admin.list_consumer_group_offsets(self.name)
            described = await admin.describe_topics(list(fields))
            wanted = [TopicPartition(d["topic"], p["partition"]) for d in described for p in d["partitions"]]
            ends = await consumer.end_offsets(wanted)
            none = OffsetAndMetadata(-1, "")
            return {(fields[at.topic], at.partition): (*found.get(at, none), ends[at]) for at in wanted}
        finally:
            await consumer.stop()
            await admin.close()

    def lag(self, *topics: str) -> int:
        """Records of these topics that the group has not acknowledged; a partition never committed has none read."""
        return sum(end - max(offset, 0) for offset, _, end in self.committed(*topics).values())

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric of the worker over the series that have these labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(
            float(line.rsplit(" ", 1)[1])
            for line in self.page("/metrics").splitlines()
            if line.split("{")[0].split(" ")[0] == name and all(pair in line for pair in wanted)
        )

    def page(self, path: str) -> str:
        """What the worker answers on its port for health and metrics."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def wait(self, condition: Callable[[], bool], what: str, seconds: float = 120) -> None:
        """Until ``condition`` holds; fails with the worker's log when it dies or takes too long."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process is None or self.process.poll() is None, f"the worker ended: {self.tail()}"
            assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}: {self.tail()}"
            time.sleep(0.1)

    def tail(self) -> str:
        """The end of the worker's log."""
        return self.log.read_text(errors="replace")[-4000:]

    def _ready(self) -> bool:
        try:
            self.page("/readyz")
        except (URLError, OSError):
            return False
        return True


@contextmanager
def pipeline(
    directory: Path, bootstrap: str, settings: str = "", partitions: int = 8, workers: int = 1
) -> Iterator[Pipeline]:
    """A pipeline whose workers do not outlive the test."""
    made = Pipeline(directory, bootstrap, settings, partitions, workers)
    try:
        yield made
    finally:
        if made.process is not None and made.process.poll() is None:
            made.kill()


def publish(bootstrap: str, topic: str, records: Iterable[Record], **options: Any) -> None:
    """Records to their partitions, in batches of zstd unless ``options`` differ; all stored when this returns."""
    settings = {"linger.ms": 20, "compression.type": "zstd", "acks": "all"}
    producer = Producer({"bootstrap.servers": bootstrap, **settings, **options})
    failed: list[Any] = []
    for partition, value, *headers in records:
        where: dict[str, Any] = {} if partition is None else {"partition": partition}
        while True:
            try:
                producer.produce(
                    topic,
                    value,
                    headers=headers[0] if headers else None,
                    on_delivery=lambda error, _: failed.append(error) if error else None,
                    **where,
                )
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush()
    assert not failed, failed[0]


def pseudonyms(running: Pipeline) -> Pseudonyms:
    """Under which pseudonym the worker of a pipeline stores whom."""
    return Pseudonyms(read_keys((running.directory / "clickhouse.keys").read_text()).pseudonym_key())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
