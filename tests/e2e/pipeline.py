"""A worker as a process of its own, to be killed, and questions to what it stored."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from uuid import uuid4

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError
from confluent_kafka import Producer


class Pipeline:
    """Topics of its own on a shared broker, one chDB directory, and a worker that can die and come back."""

    def __init__(self, directory: Path, bootstrap: str, settings: str = "", partitions: int = 8) -> None:
        self.directory = directory
        self.bootstrap = bootstrap
        self.name = f"t{uuid4().hex[:8]}"
        self.clickhouse_port, self.http_port = _free_port(), _free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.log = directory / "worker.log"
        self.config = directory / "tidewatch.toml"
        topics = {"metrics": "metrics", "security": "security", "processing": "data-processing", "panes": "panes"}
        topics |= {"snapshots": "snapshots", "alerts": "alerts", "dead_letters": "dead-letters"}
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
        command = [sys.executable, "-m", "streams.cli", "worker", "--config", str(self.config)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stderr=log, stdout=log, env={**os.environ, "TMPDIR": str(self.directory)}
            )
        self.wait(self._ready, "the worker to be ready", 60)

    def kill(self) -> None:
        """SIGKILL: nothing is finished."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """SIGTERM: what is being written is finished."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, self.tail()

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

    def metric(self, name: str) -> float:
        """The sum of a metric of the worker over its labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/metrics", timeout=10) as page:
            lines = page.read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.split("{")[0].split(" ")[0] == name)

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
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False


@contextmanager
def pipeline(directory: Path, bootstrap: str, settings: str = "", partitions: int = 8) -> Iterator[Pipeline]:
    """A pipeline whose worker does not outlive the test."""
    made = Pipeline(directory, bootstrap, settings, partitions)
    try:
        yield made
    finally:
        if made.process is not None and made.process.poll() is None:
            made.kill()


def publish(
    bootstrap: str, topic: str, records: Iterator[tuple[int | None, bytes]] | list[tuple[int | None, bytes]]
) -> None:
    """Records to their partitions (None: any); all stored when this returns."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, "compression.type": "zstd", "acks": "all"})
    failed: list[Any] = []
    options: Mapping[str, Any] = {"on_delivery": lambda error, _: failed.append(error) if error else None}
    for partition, value in records:
        while True:
            try:
                producer.produce(topic, value, **({} if partition is None else {"partition": partition}), **options)
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush()
    assert not failed, failed[0]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
