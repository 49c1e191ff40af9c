"""The topics that Tidewatch reads and writes, made when they are missing."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from schemas.config import Config
from schemas.failures import Rejected, Unavailable
from sinks.kafka import client_options, librdkafka_options

STATE_PARTITIONS = 4
"""Of ``panes``, its snapshots, ``alerts`` and ``evidence``: a tenant lives in one, so as many workers can share what
comes after the first stage."""

_DAY_MS = 86_400_000

_MOCK = "mockCluster"
"""How librdkafka's mock cluster begins its id. It knows no topic ids, and its topics are never made again."""

_ANSWER_SECONDS = 30.0


async def ensure(config: Config) -> list[str]:
    """Create what is missing; the names created. The mock cluster creates none: there topics appear when used."""
    wanted = [
        NewTopic(name, partitions, config.kafka.replication, topic_configs=settings)
        for name, partitions, settings in _layout(config)
    ]
    async with _asking(config) as admin:
        known = set(await admin.list_topics())
        missing = [topic for topic in wanted if topic.name not in known]
        if not missing or str((await admin.describe_cluster())["cluster_id"]).startswith(_MOCK):
            return []
        await _create(admin, missing)
        return [topic.name for topic in missing]


@asynccontextmanager
async def _asking(config: Config) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client for questions to the brokers. Unavailable when they do not answer, at first or later."""
    admin = AIOKafkaAdminClient(**client_options(config.kafka))
    try:
        await admin.start()
        yield admin
    except KafkaError as error:
        servers = ", ".join(config.kafka.bootstrap_servers)
        raise Unavailable(
            f"no Kafka broker answers at {servers}: {error!r}; start one, or correct kafka.bootstrap_servers"
        ) from None
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, missing: list[NewTopic]) -> None:
    answer = await admin.create_topics(missing)
    for topic, code, *text in answer.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise Rejected("kafka", f"topic {topic} cannot be created: {text[0] if text else error.__name__}")


def _layout(config: Config) -> list[tuple[str, int, dict[str, str]]]:
    topics, partitions = config.topics, config.kafka.partitions
    week, month = str(7 * _DAY_MS), str(30 * _DAY_MS)
    kept = str(config.clickhouse.retention_days * _DAY_MS)
    events = [
        (name, partitions, {"retention.ms": week}) for name in (topics.metrics, topics.security, topics.processing)
    ]
    return [
        *events,
        (topics.panes, STATE_PARTITIONS, {"retention.ms": week}),
        (topics.snapshots, STATE_PARTITIONS, {"retention.ms": week, "retention.bytes": str(2**30)}),
        (topics.alerts, STATE_PARTITIONS, {"retention.ms": month}),
        (topics.evidence, STATE_PARTITIONS, {"retention.ms": kept, "message.timestamp.type": "LogAppendTime"}),
        (topics.dead_letters, 1, {"retention.ms": month}),
    ]


async def incarnations(config: Config, names: Iterable[str]) -> dict[str, str]:
    """Which topic of each name this is: the id that the broker gave it when it was made (KIP-516).

    Offsets of a topic that was deleted and made again begin anew; what was stored under the old ones must not count
    for the new. Brokers before 2.8 give no ids: there the cluster's id stands for all of its topics.
    """
    cluster = await _cluster_id(config)
    if cluster.startswith(_MOCK):
        return dict.fromkeys(names, cluster)
    return await asyncio.to_thread(_topic_ids, config, list(names), cluster)


async def _cluster_id(config: Config) -> str:
    async with _asking(config) as admin:
        return str((await admin.describe_cluster())["cluster_id"])


def _topic_ids(config: Config, names: list[str], cluster: str) -> dict[str, str]:
    # What goes wrong is raised; librdkafka would write it to standard error too, which is for the log.
    admin = AdminClient({**librdkafka_options(config.kafka), "log_level": 0})
    try:
        found = admin.describe_topics(TopicCollection(names), request_timeout=_ANSWER_SECONDS)
        ids = {name: found[name].result(_ANSWER_SECONDS).topic_id for name in names}
    except (KafkaException, TimeoutError) as error:
        raise Unavailable(f"the ids of the topics cannot be had: {error}") from None
    none = (0, 0)
    return {
        name: cluster if (id_.get_most_significant_bits(), id_.get_least_significant_bits()) == none else str(id_)
        for name, id_ in ids.items()
    }
