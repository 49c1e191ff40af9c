"""Access to personal data through Tidewatch's own commands is a security event like any other's."""

import asyncio
import uuid
from datetime import UTC, datetime

from schemas.config import Config
from schemas.events import Security, SecurityEvent
from sinks.kafka import Publisher


def tell(config: Config, tenant: str, actor: str, target: str, reason: str) -> None:
    """Publish that ``actor`` has revealed ``target``; it is stored when this returns, else raises ``Unavailable``."""
    event = SecurityEvent(
        specversion="1.0",
        id=str(uuid.uuid4()),
        source="/tidewatch/reveal",
        time=datetime.now(UTC),
        data=Security(
            service="tidewatch",
            kind="data_access",
            outcome="success",
            actor=actor,
            target=target,
            action="reveal",
            reason=reason,
            authorized=True,
            tenant=tenant,
        ),
    )
    asyncio.run(_send(config, event))


async def _send(config: Config, event: SecurityEvent) -> None:
    async with Publisher(config.kafka, config.topics) as publisher:
        await publisher.send(event)
