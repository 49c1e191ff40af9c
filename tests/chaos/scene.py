"""Everything that can be broken: a Kafka, a ClickHouse behind a proxy, an Alertmanager, and workers of one group."""

import os
import secrets
import signal
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError

from embedded.inbox import Inbox
from streams.config.masterkeys import create_key_file
from tests.chaos.proxy import Proxy
from tests.chaos.truth import HOLD, PARTITIONS, TOPICS
from tests.servers.kafka import KafkaServer
from tests.servers.ports import free_ports
from tests.servers.process import ServerProcess

SESSION = 6.0
"""Seconds for which a worker may be silent."""

RESEND_DELAY = 10.0
"""Seconds after which an alert that fires is repeated."""

_DISK_BYTES = 4 << 30
_PATIENCE = 300.0
"""Seconds that a start may take on a machine that has other things to do."""

_RULES = f"""\
groups:
  - name: chaos
    rules:
      - alert: Hot
        expr: temperature_celsius > 30
        for: {HOLD}s
"""


class Alerts(Inbox):
    """Keeps every alert that it was ever told of."""

    def __init__(self, port: int) -> None:
        self.bodies: list[bytes] = []
        super().__init__(port=port)

    def take(self, body: bytes) -> None:
        self.bodies.append(body)
        super().take(body)


class Scene:
    """Made by :func:`scene`."""

    def __init__(self, directory: Path, kafka: KafkaServer, workers: int, disk: Path | None, settings: str) -> None:
        self.directory, self.kafka, self.disk = directory, kafka, disk
        self.calm = threading.Lock()
        """Whoever has it wants no worker to be touched."""
        self.kills = 0
        """Workers that got SIGKILL."""
        self.long = False
        """Whether outages last as long as an operator's worst day."""
        self.bodies: list[bytes] = []
        """What Alertmanager was told."""
        self.clickhouse_port, self.alerts_port, proxy_port, self.joining_port, self.http_port = free_ports(5)
        self.number = workers
        self.topics = {topic: f"chaos-{topic}" for topic in TOPICS}
        self.password = secrets.token_urlsafe()
        self.clock = directory / "clock"
        """How far the workers' clocks are off: see clock/sitecustomize.py."""
        self.log = directory / "workers.log"
        self.proxy = Proxy(proxy_port, self.clickhouse_port)
        self._alerts: Alerts | None = None
        self.config = directory / "tidewatch.toml"
        self._configure(proxy_port, settings)
        environment = {
            **os.environ,
            "TIDEWATCH_CLICKHOUSE_PASSWORD": self.password,
            "TIDEWATCH_CONFIG": str(self.config),
        }
        self.clock.write_bytes(struct.pack("q", 0))
        path = os.pathsep.join([str(Path(__file__).parent / "clock"), *filter(None, [os.environ.get("PYTHONPATH")])])
        self.environment = {**environment, "CHAOS_CLOCK": str(self.clock), "PYTHONPATH": path}
        data = (disk or directory) / "clickhouse"
        command = [sys.executable, "-m", "tests.chaos.clickhouse", str(data), str(self.clickhouse_port)]
        log = directory / "clickhouse.log"
        self.clickhouse = ServerProcess(command, log, self._clickhouse_answers, _PATIENCE, environment)
        command = [sys.executable, "-m", "streams.cli", "worker", "--workers", str(workers)]
        self.workers = ServerProcess(command, self.log, self._ready, _PATIENCE, self.environment)

    def set_clock(self, seconds: int) -> None:
        """Let the workers' clocks be wrong."""
        with self.clock.open("r+b") as file:
            file.write(struct.pack("q", seconds))

    def alerts(self, listening: bool) -> None:
        """Start or stop Alertmanager."""
        if listening and self._alerts is None:
            self._alerts = Alerts(self.alerts_port)
            self._alerts.bodies = self.bodies
            self._alerts.__enter__()
        elif not listening and self._alerts is not None:
            self._alerts.__exit__()
            self._alerts = None

    def worker_pids(self) -> list[int]:
        """The workers that run now, oldest first."""
        try:
            below = Path(f"/proc/{self.workers.pid}/task/{self.workers.pid}/children").read_text().split()
            return [int(pid) for pid in below if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        except OSError:
            return []

    def join(self) -> "subprocess.Popen[bytes]":
        """One more worker, beside those of the supervisor."""
        environment = {**self.environment, "TIDEWATCH_HTTP_PORT": str(self.joining_port)}
        with self.log.open("ab") as log:
            return subprocess.Popen([sys.executable, "-m", "streams.cli", "worker"], env=environment, stderr=log)

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Rows of a SELECT, past the proxy."""
        client = clickhouse_connect.get_client(host="127.0.0.1", port=self.clickhouse_port, send_receive_timeout=120)
        return list(client.query(sql).named_results())

    def value(self, sql: str) -> Any:
        """The one value of a SELECT; None while nobody answers."""
        try:
            return next(iter(self.query(sql)[0].values()))
        except (ClickHouseError, OSError, IndexError):
            return None

    def rows(self) -> int:
        """How many raw rows are stored; 0 while nobody answers."""
        return int(self.value("SELECT sum(rows) FROM system.parts WHERE table LIKE 'raw\\_%' AND active") or 0)

    def page(self, port: int, path: str = "/metrics") -> str:
        """What a worker answers there; empty when it does not."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    def stop_workers(self) -> None:
        """SIGTERM to all, which leaves nothing in doubt; whoever does not end is killed."""
        if self.workers.has_ended:
            return
        pids = self.worker_pids()
        os.kill(self.workers.pid, signal.SIGTERM)
        deadline = time.monotonic() + 90
        while not self.workers.has_ended and time.monotonic() < deadline:
            time.sleep(0.2)
        for pid in pids if not self.workers.has_ended else ():
            os.kill(pid, signal.SIGKILL)
        self.workers.stop()

    def _ready(self) -> bool:
        return all(self.page(self.http_port + number, "/readyz") for number in range(self.number))

    def _clickhouse_answers(self) -> bool:
        return self.page(self.clickhouse_port, "/ping") == "Ok.\n"

    def _configure(self, proxy_port: int, settings: str) -> None:
        rules = self.directory / "rules.yml"
        rules.write_text(_RULES)
        keys = self.directory / "keys"
        create_key_file(keys)
        names = {**self.topics, **{name: f"chaos-{name}" for name in ("panes", "snapshots", "alerts", "dead_letters")}}
        self.config.write_text(
            f"[kafka]\nbootstrap_servers = ['{self.kafka.bootstrap_servers}']\ngroup = 'chaos'\n"
            f"partitions = {PARTITIONS}\nsession_timeout = {SESSION}\nheartbeat_interval = 1.0\n"
            "[topics]\n" + "".join(f"{field} = '{topic}'\n" for field, topic in names.items()) + "[clickhouse]\n"
            f"url = 'http://127.0.0.1:{proxy_port}/tidewatch'\n[http]\nport = {self.http_port}\n"
            f"[alertmanager]\nurls = ['http://127.0.0.1:{self.alerts_port}']\nresend_delay = {RESEND_DELAY}\n"
            f"[privacy]\nkeys_file = '{keys}'\n"
            f"[rules]\nfiles = ['{rules}']\n[windows]\nsizes = [60, 300]\n"
            # A partition that is quiet because something is broken must not let the clock run: the truth is event time.
            "idle_timeout = 100000.0\n" + settings
        )


@contextmanager
def scene(directory: Path, kafka: KafkaServer, workers: int, settings: str = "") -> Iterator[Scene]:
    """All of it, started."""
    directory.mkdir()
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(directory / "disk"))
        made = Scene(directory, kafka, workers, disk, settings)
        for topic in made.topics.values():
            kafka.create_topic(topic, PARTITIONS)
        stack.callback(made.clickhouse.stop)
        made.clickhouse.start()
        stack.callback(made.proxy.close)
        made.proxy.start()
        stack.callback(made.alerts, False)
        made.alerts(True)
        stack.callback(made.stop_workers)
        made.workers.start()
        yield made


@contextmanager
def small_disk(directory: Path) -> Iterator[Path | None]:
    """A file system of its own in memory, which can be filled without harm; None where that is not allowed."""
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "chaos", str(directory)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        yield None
        return
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)
