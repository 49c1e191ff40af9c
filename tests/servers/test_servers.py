"""The servers that tests run against do what their fixtures say."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from tests.servers.kafka import KafkaServer, create_topic
from tests.servers.process import ServerProcess


def test_kafka_creates_topics_with_the_partitions_asked_for(kafka: str) -> None:
    """What create_topic returns from is ready: every partition has its leader."""
    create_topic(kafka, "servers-five", 5)

    assert (
        len(AdminClient({"bootstrap.servers": kafka}).list_topics("servers-five").topics["servers-five"].partitions)
        == 5
    )


@pytest.mark.slow
def test_kafka_keeps_port_and_topics_over_a_kill(start_kafka: Callable[..., KafkaServer]) -> None:
    """A chaos test can kill the broker and start it again under clients that know one address."""
    server = start_kafka(auto_create_topics=False)
    server.create_topic("kept", 2)
    address = server.bootstrap_servers
    server.kill()
    server.start()

    assert server.bootstrap_servers == address
    assert "kept" in AdminClient({"bootstrap.servers": address}).list_topics(timeout=5).topics


def test_a_server_that_exits_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    """Whoever reads the failure sees what the server said."""
    server = ServerProcess([sys.executable, "-c", "exit('no such thing')"], tmp_path / "log", answers=lambda: False)

    with pytest.raises(RuntimeError, match="no such thing"):
        server.start()
