"""Snapshots of a stage's state as records: cut to the size a broker takes, found again by a commit's metadata."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from schemas.config import Config
from schemas.failures import Unavailable
from sinks.kafka import client_options

_CHUNK_BYTES = 500_000
_VERSION = "s1"
_READ_TIMEOUT = 30.0


class Lost(Unavailable):
    """The topic no longer keeps the snapshot."""


class Chunk(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """One record of a snapshot."""

    snapshot: str
    """Its snapshot's id: a stale worker may write between the records of another."""
    number: int
    content: bytes

    def encode(self) -> bytes:
        """The record's value."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def decode(cls, value: bytes) -> "Chunk":
        """Raises :class:`msgspec.DecodeError` for what is not a chunk of this version."""
        return msgspec.msgpack.decode(value, type=cls)


class Located(NamedTuple):
    """Where a snapshot is: from which offset of its partition, its id, and how many records."""

    offset: int
    snapshot: str
    parts: int

    def metadata(self) -> str:
        """The text that is committed with the offset that the snapshot includes."""
        return f"{_VERSION},{self.offset},{self.snapshot},{self.parts}"

    @classmethod
    def parse(cls, metadata: str) -> "Located":
        """ValueError when it was written by a version this one does not know."""
        version, *rest = metadata.split(",")
        if version != _VERSION or len(rest) != 3:
            raise ValueError(
                f"offset metadata {metadata!r} was written by a version of Tidewatch this one does not know"
            )
        return cls(int(rest[0]), rest[1], int(rest[2]))


def chunks(packed: bytes) -> list[Chunk]:
    """A snapshot cut into records; at least one."""
    name = uuid4().hex
    starts = range(0, max(len(packed), 1), _CHUNK_BYTES)
    return [Chunk(name, number, packed[at : at + _CHUNK_BYTES]) for number, at in enumerate(starts)]


def join(parts: Iterable[Chunk]) -> bytes:
    """The snapshot that was cut; a record that was sent twice counts once."""
    return b"".join(part.content for _, part in sorted({part.number: part for part in parts}.items()))


async def store(producer: Any, topic: str, partition: int, packed: bytes) -> Located:
    """Write a snapshot; where it is, for the commit. Raises Unavailable."""
    parts = chunks(packed)
    try:
        sent = [await producer.send(topic, value=part.encode(), partition=partition) for part in parts]
        stored = await asyncio.gather(*sent)
    except KafkaError as error:
        raise Unavailable(f"producing: {error!r}") from error
    return Located(min(record.offset for record in stored), parts[0].snapshot, len(parts))


async def read(config: Config, partition: int, located: Located) -> bytes:
    """The snapshot that a commit points at. Raises Unavailable; Lost when it never will be there again."""
    [packed] = await read_all(config, partition, [located])
    return packed


async def read_all(config: Config, partition: int, wanted: Sequence[Located]) -> list[bytes]:
    """Several of one partition; see :func:`read`."""
    reader = AIOKafkaConsumer(**client_options(config.kafka), auto_offset_reset="none", enable_auto_commit=False)
    at = TopicPartition(config.topics.snapshots, partition)
    try:
        await reader.start()
        reader.assign([at])
        return [await _read_one(reader, at, located) for located in wanted]
    except OffsetOutOfRangeError:
        raise Lost(f"a snapshot of {at.topic}-{partition} is no longer kept") from None
    except (KafkaError, TimeoutError) as error:
        raise Unavailable(f"reading a snapshot of {at.topic}-{partition}: {error!r}") from error
    finally:
        # A task of aiokafka 0.14 that is cancelled before it has begun would look as if we were: let it begin.
        await asyncio.sleep(0)
        await reader.stop()


async def _read_one(reader: AIOKafkaConsumer, at: TopicPartition, located: Located) -> bytes:
    parts: dict[int, Chunk] = {}
    reader.seek(at, located.offset)
    async with asyncio.timeout(_READ_TIMEOUT):
        while len(parts) < located.parts:
            part = Chunk.decode((await reader.getone()).value)
            if part.snapshot == located.snapshot:
                parts[part.number] = part
    return join(parts.values())
