"""The publisher for services against real brokers, and the connection settings of every Kafka client."""

import asyncio
import ssl
import uuid
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer

from schemas import cloudevents
from schemas.config import Kafka, Topics
from schemas.events import Event, health, metric, processing, security
from schemas.failures import Rejected, Unavailable
from sinks.kafka import Publisher, client_options
from tests.servers.ports import free_ports
from tests.servers.secure import certificates, secure_server

EVENTS = {
    "metrics": [msgspec.convert(example, Event) for example in (metric.EXAMPLE, health.EXAMPLE)],
    "security": [msgspec.convert(security.EXAMPLE, Event)],
    "processing": [msgspec.convert(processing.EXAMPLE, Event)],
}
ALL = [event for events in EVENTS.values() for event in events]


def own_topics() -> Topics:
    """Topics that no other test uses."""
    mark = uuid.uuid4().hex[:8]
    return Topics(**{name: f"{name}-{mark}" for name in msgspec.structs.asdict(Topics())})


async def records(kafka: Kafka, topic: str, count: int) -> list[Any]:
    """The first ``count`` records of a topic."""
    async with AIOKafkaConsumer(topic, **client_options(kafka), auto_offset_reset="earliest") as consumer:
        async with asyncio.timeout(30):
            return [await consumer.getone() for _ in range(count)]


async def test_each_event_arrives_on_the_topic_of_its_type_keyed_by_its_service(kafka: str) -> None:
    """What a worker decodes is what was sent; the future says where it is stored."""
    config, topics = Kafka(bootstrap_servers=[kafka]), own_topics()
    async with Publisher(config, topics) as publisher:
        deliveries = [await publisher.send(event) for event in ALL]
        await publisher.flush()
        assert [(await delivery).offset for delivery in deliveries] == [0, 0, 0, 0]
        assert (publisher.delivered, publisher.failed) == (4, 0)
    for name, events in EVENTS.items():
        stored = await records(config, getattr(topics, name), len(events))
        decoded = {record.key: cloudevents.decode(record.value, record.headers) for record in stored}
        assert decoded == {f"default/{event.data.service}".encode(): event for event in events}


async def test_raw_records_arrive_as_they_are(kafka: str) -> None:
    """Headers, tombstones and bytes that are no event."""
    config, topic = Kafka(bootstrap_servers=[kafka]), own_topics().metrics
    async with Publisher(config) as publisher:
        await publisher.send_raw(topic, b"k", b"\xff", [("ce_id", b"1")])
        await publisher.send_raw(topic, b"k", None)
    stored = await records(config, topic, 2)
    assert [(record.key, record.value, record.headers) for record in stored] == [
        (b"k", b"\xff", (("ce_id", b"1"),)),
        (b"k", None, ()),
    ]


async def test_a_record_that_the_broker_never_takes_is_rejected(kafka: str) -> None:
    """More than a mebibyte is refused by the client, whatever the broker would say."""
    async with Publisher(Kafka(bootstrap_servers=[kafka])) as publisher:
        with pytest.raises(Rejected, match="MessageSizeTooLarge"):
            await publisher.send_raw(own_topics().metrics, None, b"x" * 2_000_000)
        assert publisher.failed == 1


async def test_an_event_that_a_worker_would_refuse_is_not_sent(kafka: str) -> None:
    """A service learns it where it happens."""
    wrong = msgspec.convert({**metric.EXAMPLE, "time": "1970-01-01T00:00:00Z"}, Event)
    async with Publisher(Kafka(bootstrap_servers=[kafka])) as publisher:
        with pytest.raises(Rejected, match="time_out_of_range"):
            await publisher.send(wrong)


async def test_no_broker_is_unavailable_with_its_address() -> None:
    """One sentence that says what to correct."""
    address = f"127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(Unavailable, match=f"no Kafka broker answers at {address}"):
        async with Publisher(Kafka(bootstrap_servers=[address]), timeout=2):
            pass


# --- TLS and SASL -----------------------------------------------------------------------------------------------------


async def test_tls_with_client_certificate_and_sasl_and_a_broker_that_dies(kafka: str, tmp_path: Path) -> None:
    """The right settings get through, each wrong one does not, and what a dead broker did not store is reported."""
    files = certificates(tmp_path / "certificates")
    (tmp_path / "password").write_text("canary-7f\n")
    port = free_ports(1)[0]
    config = Kafka(
        bootstrap_servers=[f"127.0.0.1:{port}"],
        security_protocol="SASL_SSL",
        sasl_mechanism="PLAIN",
        username="tidewatch",
        password_file=str(tmp_path / "password"),
        ca_file=str(files / "ca.pem"),
        cert_file=str(files / "client.pem"),
        key_file=str(files / "client.key"),
    )
    (tmp_path / "wrong").write_text("wrong")
    with secure_server(tmp_path / "kafka", files, port) as server:
        for wrong in (
            {"password_file": str(tmp_path / "wrong")},
            {"cert_file": "", "key_file": ""},
            {"ca_file": ""},
        ):
            with pytest.raises(Unavailable) as refused:
                async with Publisher(msgspec.structs.replace(config, **wrong), timeout=3):
                    pass
            assert "canary" not in str(refused.value)
        topics = own_topics()
        async with Publisher(config, topics) as publisher:
            await publisher.send(ALL[0])
        (stored,) = await records(config, topics.metrics, 1)
        assert cloudevents.decode(stored.value) == ALL[0]

        with pytest.raises(Unavailable, match="1 records not stored"):
            async with Publisher(config, topics, timeout=2) as publisher:
                await publisher.send(ALL[0])
                await publisher.flush()
                server.kill()
                lost = await publisher.send(ALL[0])
        with pytest.raises(Unavailable, match="closed before"):
            await lost
        assert (publisher.delivered, publisher.failed) == (1, 1)


def test_plain_options_have_no_security() -> None:
    """Only what is needed is passed on."""
    assert client_options(Kafka(bootstrap_servers=["a:1", "b:2"])) == {
        "bootstrap_servers": ["a:1", "b:2"],
        "security_protocol": "PLAINTEXT",
    }


def test_tls_checks_names_and_is_1_2_or_later() -> None:
    """The system's authorities when no file is named."""
    context = client_options(Kafka(security_protocol="SSL"))["ssl_context"]
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    "settings",
    [
        {"security_protocol": "SSL", "ca_file": "none.pem"},
        {"security_protocol": "SSL", "cert_file": "none.pem", "key_file": "none.key"},
        {"security_protocol": "SASL_PLAINTEXT", "username": "a", "password_file": "none"},
    ],
    ids=lambda settings: list(settings)[-1],
)
def test_a_missing_file_is_named_with_its_setting(settings: dict[str, str]) -> None:
    """One sentence that names setting and file."""
    with pytest.raises(Rejected, match=r"kafka\.\w+_file: none"):
        client_options(Kafka(**settings))  # type: ignore[arg-type]
