"""Snapshots of a shard as records: cut to the size a broker takes, found again by what a commit's metadata says."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import uuid4

import msgspec

_CHUNK_BYTES = 500_000
_VERSION = "s1"


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
