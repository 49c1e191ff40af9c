"""The alerts topic: how a record is written to it and read from it."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import orjson
from aiokafka.errors import KafkaError

from schemas.alert import Alert
from schemas.failures import Rejected, Unavailable

_decoder = msgspec.json.Decoder(Alert)


async def publish(producer: Any, topic: str, alerts: Sequence[Alert]) -> None:
    """Write records, those of one alert into the same partition. Raises Unavailable; then some may be written."""
    try:
        sent = [await producer.send(topic, value=value, key=key) for key, value in map(encode, alerts)]
        await asyncio.gather(*sent)
    except KafkaError as error:
        raise Unavailable(f"producing: {error!r}") from error


def encode(alert: Alert) -> tuple[bytes, bytes]:
    """Key and value of a record. All records of an alert have the same key, and so are in one partition."""
    return repr((alert.tenant, alert.key)).encode(), orjson.dumps(msgspec.to_builtins(alert))


def decode(value: bytes | None) -> Alert:
    """Raises Rejected for what is no alert."""
    try:
        return _decoder.decode(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected(f"no alert: {error}") from None
