"""Events to Kafka: the publisher for services, and the connection settings that every Kafka client here uses.

Delivery: the producer is idempotent and waits for all in-sync replicas, so a retry inside it neither loses nor repeats
a record. It retries for as long as it is open. A process that dies loses what it had not flushed; what it sends again
after a restart is there twice.
Back-pressure: ``send`` waits while the buffer of the record's partition is full, at most ``timeout`` seconds.
"""

import asyncio
import ssl
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidTopicError, KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from schemas import cloudevents
from schemas.config import Kafka, Topics
from schemas.events import Event, ProcessingEvent, SecurityEvent
from schemas.failures import Rejected, Unavailable

BATCH_BYTES = 131_072
LINGER_MS = 20

_OUR_FAULT = (MessageSizeTooLargeError, RecordListTooLargeError, InvalidTopicError)


class Delivery(NamedTuple):
    """Where a record was stored."""

    topic: str
    partition: int
    offset: int


class Publisher:
    """Sends events; use it as ``async with Publisher(config.kafka, config.topics) as publisher``.

    ``delivered`` and ``failed`` count records. A failure that nobody awaited is raised by the next ``flush``, which
    leaving the ``async with`` block calls. ``timeout``: seconds without an answer after which Kafka is unavailable.
    """

    def __init__(
        self,
        kafka: Kafka,
        topics: Topics = Topics(),  # noqa: B008 - frozen
        *,
        timeout: float = 30.0,
        linger_ms: int = LINGER_MS,
    ) -> None:
        self.kafka = kafka
        self.topics = topics
        self.delivered = 0
        self.failed = 0
        self._timeout = timeout
        self._linger_ms = linger_ms
        self._producer: Any = None
        self._failure: Rejected | Unavailable | None = None
        self._pending: set[asyncio.Future[Delivery]] = set()

    async def __aenter__(self) -> Self:
        """Connect. Raises ``Unavailable`` when no broker answers."""
        self._producer = AIOKafkaProducer(
            **client_options(self.kafka),
            enable_idempotence=True,
            acks="all",
            compression_type="zstd",
            max_batch_size=BATCH_BYTES,
            linger_ms=self._linger_ms,
            request_timeout_ms=int(self._timeout * 1000),
        )
        try:
            await self._producer.start()
        except KafkaError as error:
            await self._producer.stop()
            raise _unreachable(self.kafka, error) from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.flush()
        except (Rejected, Unavailable):
            if error is None:
                raise
        finally:
            await self._close()

    async def send(self, event: Event) -> asyncio.Future[Delivery]:
        """Queue an event for the topic of its type, keyed by tenant and service, as a structured CloudEvent.

        The future ends when the record is stored, or with ``Unavailable`` or ``Rejected``; it need not be awaited, and
        while no broker answers it stays open until the publisher is closed.
        Raises ``Rejected`` for an event that a worker would refuse, ``Unavailable`` when the buffer stays full.
        """
        return await self.send_raw(topic_of(event, self.topics), key_of(event), cloudevents.encode(event))

    async def send_raw(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> asyncio.Future[Delivery]:
        """Queue any record as it is; otherwise as ``send``. A record without a value needs a key."""
        try:
            stored = await self._producer.send(topic, value, key, headers=list(headers))
        except KafkaError as error:
            self.failed += 1
            raise _failure(topic, error) from None
        delivery: asyncio.Future[Delivery] = asyncio.get_running_loop().create_future()
        self._pending.add(delivery)
        stored.add_done_callback(lambda ended: self._settle(topic, ended, delivery))
        return delivery

    async def flush(self) -> None:
        """Wait until everything sent is stored; raises the first failure since the last ``flush``.

        Raises ``Unavailable`` when nothing has been stored for ``timeout`` seconds: what is open is still retried.
        """
        flushing = asyncio.ensure_future(self._producer.flush())
        try:
            while True:
                before = self.delivered
                ended, _ = await asyncio.wait({flushing}, timeout=self._timeout)
                if ended:
                    break
                if self.delivered == before:
                    raise Unavailable(f"{len(self._pending):,} records not stored: no answer for {self._timeout:g} s")
        finally:
            flushing.cancel()
        await asyncio.sleep(0)  # the callbacks of the last records run in the loop's next round
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    async def _close(self) -> None:
        if self._pending:
            # An idempotent aiokafka producer retries without end, and its stop() would wait for that.
            self._producer._sender.sender_task.cancel()
        await self._producer.stop()
        for delivery in tuple(self._pending):
            self._fail(delivery, Unavailable("not stored: the publisher was closed before a broker answered"))

    def _settle(self, topic: str, stored: "asyncio.Future[Any]", delivery: asyncio.Future[Delivery]) -> None:
        if delivery not in self._pending:
            return
        error = asyncio.CancelledError() if stored.cancelled() else stored.exception()
        if error is not None:
            self._fail(delivery, _failure(topic, error))
            return
        self._pending.discard(delivery)
        self.delivered += 1
        if not delivery.done():
            record = stored.result()
            delivery.set_result(Delivery(record.topic, record.partition, record.offset))

    def _fail(self, delivery: asyncio.Future[Delivery], failure: Rejected | Unavailable) -> None:
        self._pending.discard(delivery)
        self.failed += 1
        self._failure = self._failure or failure
        if not delivery.done():
            delivery.set_exception(failure)
            delivery.exception()  # flush() reports it: asyncio need not warn that nobody looked


def topic_of(event: Event, topics: Topics) -> str:
    """The topic on which events of this type travel."""
    if isinstance(event, SecurityEvent):
        return topics.security
    if isinstance(event, ProcessingEvent):
        return topics.processing
    return topics.metrics


def key_of(event: Event) -> bytes:
    """Tenant and service: events of one service stay in order, in one partition."""
    return f"{event.data.tenant}/{event.data.service}".encode()


def client_options(config: Kafka) -> dict[str, Any]:
    """Connection settings for any aiokafka client; secrets and certificates are read from their files now.

    Raises ``Rejected`` for a file that cannot be read.
    """
    options: dict[str, Any] = {
        "bootstrap_servers": config.bootstrap_servers,
        "security_protocol": config.security_protocol,
    }
    if config.security_protocol.endswith("SSL"):
        options["ssl_context"] = _tls(config)
    if config.security_protocol.startswith("SASL"):
        options["sasl_mechanism"] = config.sasl_mechanism
        options["sasl_plain_username"] = config.username
        options["sasl_plain_password"] = _password(config)
    return options


def librdkafka_options(config: Kafka) -> dict[str, Any]:
    """The same settings for a client of confluent-kafka."""
    options: dict[str, Any] = {
        "bootstrap.servers": ",".join(config.bootstrap_servers),
        "security.protocol": config.security_protocol,
    }
    files = {
        "ssl.ca.location": config.ca_file,
        "ssl.certificate.location": config.cert_file,
        "ssl.key.location": config.key_file,
    }
    options |= {name: path for name, path in files.items() if path}
    if config.security_protocol.startswith("SASL"):
        options["sasl.mechanism"] = config.sasl_mechanism
        options |= {"sasl.username": config.username, "sasl.password": _password(config)}
    return options


def _tls(config: Kafka) -> ssl.SSLContext:
    """Certificates and host names are checked; an empty ``ca_file`` means the system's authorities."""
    try:
        context = ssl.create_default_context(cafile=config.ca_file or None)
    except (OSError, ssl.SSLError):
        raise Rejected(f"kafka.ca_file: {config.ca_file} is not a readable PEM file of certificates") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if config.cert_file:
        try:
            context.load_cert_chain(config.cert_file, config.key_file or None, password="")
        except (OSError, ssl.SSLError):
            raise Rejected(
                f"kafka.cert_file: {config.cert_file} and kafka.key_file are not a readable pair of PEM files; "
                "the key must not be encrypted"
            ) from None
    return context


def _password(config: Kafka) -> str:
    if not config.password_file:
        return config.password
    try:
        return Path(config.password_file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise Rejected(f"kafka.password_file: {config.password_file} is not a readable text file") from None


def _unreachable(config: Kafka, error: KafkaError) -> Unavailable:
    servers = ", ".join(config.bootstrap_servers)
    return Unavailable(
        f"no Kafka broker answers at {servers} ({type(error).__name__}); "
        "start one, or correct kafka.bootstrap_servers and the security settings"
    )


def _failure(topic: str, error: BaseException) -> Rejected | Unavailable:
    if isinstance(error, _OUR_FAULT):
        return Rejected("refused_by_broker", f"topic {topic}: {type(error).__name__}")
    return Unavailable(f"topic {topic}: not stored: {type(error).__name__}")
