"""A broker that does not answer is unavailable, whoever asks: the stages try again, and the supervisor starts again."""

import pytest

from schemas.config import Config, Kafka
from schemas.failures import Unavailable
from streams.stages import topics
from tests.servers.ports import free_ports


async def test_no_broker_is_unavailable_with_its_address() -> None:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    config = Config(kafka=Kafka(bootstrap_servers=[address]))

    with pytest.raises(Unavailable, match=address):
        await topics.ensure(config)
    with pytest.raises(Unavailable, match=address):
        await topics.incarnations(config, ["metrics"])
