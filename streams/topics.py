"""The topics that Tidewatch reads and writes, made when they are missing."""

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    IncompatibleBrokerVersion,
    KafkaError,
    TopicAlreadyExistsError,
    UnsupportedVersionError,
    for_code,
)

from schemas.config import Config
from schemas.failures import Rejected, Unavailable
from sinks.kafka import client_options

STATE_PARTITIONS = 4
"""Of ``panes``, its snapshots and ``alerts``: a tenant lives in one, so as many workers can share the second stage."""

_DAY_MS = 86_400_000


async def ensure(config: Config) -> list[str]:
    """Create what is missing; the names created. A broker that cannot create topics makes them when they are used."""
    wanted = [
        NewTopic(name, partitions, config.kafka.replication, topic_configs=settings)
        for name, partitions, settings in _layout(config)
    ]
    admin = AIOKafkaAdminClient(**client_options(config.kafka))
    try:
        await admin.start()
    except KafkaError as error:
        servers = ", ".join(config.kafka.bootstrap_servers)
        raise Unavailable(f"no Kafka broker answers at {servers} (kafka.bootstrap_servers): {error!r}") from None
    try:
        known = set(await admin.list_topics())
        missing = [topic for topic in wanted if topic.name not in known]
        if missing:
            await _create(admin, missing)
        return [topic.name for topic in missing]
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, missing: list[NewTopic]) -> None:
    try:
        answer = await admin.create_topics(missing)
    except (IncompatibleBrokerVersion, UnsupportedVersionError):
        return  # librdkafka's mock cluster: topics appear when they are first used
    for topic, code, *text in answer.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise Rejected("kafka", f"topic {topic} cannot be created: {text[0] if text else error.__name__}")


def _layout(config: Config) -> list[tuple[str, int, dict[str, str]]]:
    topics, partitions = config.topics, config.kafka.partitions
    week, month = str(7 * _DAY_MS), str(30 * _DAY_MS)
    events = [
        (name, partitions, {"retention.ms": week}) for name in (topics.metrics, topics.security, topics.processing)
    ]
    return [
        *events,
        (topics.panes, STATE_PARTITIONS, {"retention.ms": week}),
        (topics.snapshots, STATE_PARTITIONS, {"retention.ms": week, "retention.bytes": str(2**30)}),
        (topics.alerts, STATE_PARTITIONS, {"retention.ms": month}),
        (topics.dead_letters, 1, {"retention.ms": month}),
    ]
