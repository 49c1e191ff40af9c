"""Apache Kafka itself (KRaft, one node), from Maven artifacts: ``with KafkaServer(directory) as server: ...``.

By hand: ``python -m tests.servers.kafka`` prints the bootstrap address and waits.
"""

import base64
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from tests.servers import NotInstalled
from tests.servers.ports import free_ports
from tests.servers.process import ServerProcess

_POM = Path(__file__).with_name("pom.xml")
_LOGGING = [f"-Dorg.slf4j.simpleLogger.{name}" for name in ("showDateTime=true", "dateTimeFormat=HH:mm:ss.SSS")]
_CACHE = Path(__file__).parents[3] / ".cache"


class KafkaServer:
    """A broker in one JVM on free ports. ``start()`` after ``stop()`` or ``kill()`` keeps its port and its data.

    ``data_dir`` receives ``server.properties``, ``kafka.log`` and the data; ``settings`` are broker settings on top.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        default_partitions: int = 4,
        auto_create_topics: bool = True,
        heap: str = "512m",
        settings: Mapping[str, str] | None = None,
        patience_s: float = 60.0,
    ) -> None:
        port, controller_port = free_ports(2)
        self.bootstrap_servers = f"127.0.0.1:{port}"
        self.data_dir = data_dir
        self.log = data_dir / "kafka.log"
        properties = _properties(data_dir, port, controller_port) | {
            "num.partitions": str(default_partitions),
            "auto.create.topics.enable": str(auto_create_topics).lower(),
        }
        self._properties = properties | dict(settings or {})
        self._java = [_java(), f"-Xmx{heap}", *_LOGGING, "-cp", f"{_jars()}/*"]
        command = [*self._java, "kafka.Kafka", str(self._properties_file)]
        self._process = ServerProcess(command, self.log, lambda: answers(self.bootstrap_servers), patience_s)

    @property
    def _properties_file(self) -> Path:
        return self.data_dir / "server.properties"

    def start(self) -> None:
        """Start the broker, formatting its storage the first time, and wait until it answers."""
        if not self._properties_file.exists():
            self._format()
        self._process.start()

    def _format(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._properties_file.write_text("".join(f"{name}={value}\n" for name, value in self._properties.items()))
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        with self.log.open("ab") as output:
            tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "--config"]
            subprocess.run([*self._java, *tool, str(self._properties_file)], check=True, stdout=output, stderr=output)

    @property
    def pid(self) -> int:
        """Of the JVM, while it runs."""
        return self._process.pid

    def stop(self) -> None:
        """An orderly end (SIGTERM)."""
        self._process.stop()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    def create_topic(self, name: str, partitions: int) -> None:
        """See :func:`create_topic`."""
        create_topic(self.bootstrap_servers, name, partitions)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@contextmanager
def broker(data_dir: Path) -> Iterator[str]:
    """The bootstrap servers to test against: those of ``KAFKA_BOOTSTRAP_SERVERS``, or of a broker started here."""
    if given := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield given
        return
    with KafkaServer(data_dir) as server:
        yield server.bootstrap_servers


def create_topic(bootstrap_servers: str, name: str, partitions: int, config: Mapping[str, str] | None = None) -> None:
    """Create a topic and wait until every partition has a leader, so that the first produce or fetch finds it."""
    patience_s = 30.0
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    topic = NewTopic(name, num_partitions=partitions, replication_factor=1, config=dict(config or {}))
    admin.create_topics([topic], operation_timeout=patience_s)[name].result(timeout=patience_s)
    deadline = time.monotonic() + patience_s
    while True:
        known = admin.list_topics(name, timeout=patience_s).topics[name].partitions
        if len(known) == partitions and all(partition.leader >= 0 for partition in known.values()):
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"topic {name} has no leader for every partition after {patience_s:g} s")
        time.sleep(0.02)


def answers(bootstrap_servers: str) -> bool:
    """Whether a broker answers a metadata request."""
    quiet = {"bootstrap.servers": bootstrap_servers, "log_level": 0}
    try:
        return bool(AdminClient(quiet).list_topics(timeout=1).brokers)
    except KafkaException:
        return False


def _properties(data_dir: Path, port: int, controller_port: int) -> dict[str, str]:
    """One node that is broker and controller, with every internal topic on one replica and groups that form at once."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(data_dir / "data"),
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "group.initial.rebalance.delay.ms": "0",
        # A killed broker may register again only once its old session has ended: 9 s by default.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
    }


def _java() -> str:
    java = shutil.which("java")
    if java is None:
        raise NotInstalled("Apache Kafka needs Java 17 or later: apt-get install default-jre-headless maven")
    return java


def _jars() -> Path:
    """The folder of Kafka's jars, resolved by Maven the first time and whenever the pom changes."""
    jars = _CACHE / f"kafka-{hashlib.sha256(_POM.read_bytes()).hexdigest()[:12]}"
    if jars.exists():
        return jars
    maven = shutil.which("mvn")
    if maven is None:
        raise NotInstalled("Maven fetches Apache Kafka: apt-get install default-jre-headless maven")
    _CACHE.mkdir(exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=_CACHE))
    command = [maven, "-q", "-B", "-f", str(_POM), "dependency:copy-dependencies", "-DincludeScope=runtime"]
    run = subprocess.run([*command, f"-DoutputDirectory={unfinished}"], capture_output=True, text=True)
    if run.returncode:
        shutil.rmtree(unfinished)
        raise NotInstalled(f"Maven could not fetch Apache Kafka; check its access to Maven Central:\n{run.stdout}")
    if jars.exists():  # another test run was faster
        shutil.rmtree(unfinished)
    else:
        unfinished.rename(jars)
    return jars
