"""What people and Alertmanager make of alerts, as acts for the evidence ledger.

Delivery: an act names the record that it follows from, so one that is sent again after a crash is entered once.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka.errors import KafkaError

from schemas.alert import HANDLING, Alert
from schemas.failures import Unavailable
from streams.batch import Partition
from streams.evidence import records
from streams.evidence.records import Act, Findings

_ACTS = HANDLING - {"escalated"}
"""Who is told next is no act of administration; that somebody stops it is."""


async def publish(producer: Any, topic: str, told: Iterable[Act | Findings]) -> None:
    """Write to ``evidence``, what is of one tenant into one partition. Raises Unavailable; then some may be written."""
    try:
        sent = [await producer.send(topic, value=records.encode(each), key=each.tenant.encode()) for each in told]
        await asyncio.gather(*sent)
    except KafkaError as error:
        raise Unavailable(f"producing: {error!r}") from error


def of_alert(alert: Alert, source: tuple[Partition, str, int]) -> Act | None:
    """The act that a record of the alerts topic tells of, if it is one; ``source`` is where the record stands."""
    if alert.reason not in _ACTS:
        return None
    return Act(
        tenant=alert.tenant,
        kind=alert.reason,
        time_ms=alert.noted_at_ms,
        by=alert.author or "alertmanager",
        details={"labels": alert.labels, "comment": alert.comment, "until": alert.until_ms},
        source=source,
    )
