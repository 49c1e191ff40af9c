"""The bytes of entries, seals and heads, which are hashed: JSON with sorted keys, no spaces, UTF-8 and no floats.

Whoever verifies takes the bytes as they are and need not make them again; docs/reference/evidence.md has the fields.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import msgspec
import orjson

FIRST = "0" * 64
"""What the first entry and the first seal of a chain name as the one before."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """What the chain needs of an entry; the rest is in ``body``."""

    tenant: str
    chain: str
    seq: int
    at: int
    offset: int
    previous: str
    kind: str


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """The entries of one hour, summed up. Times are epoch ms; hashes are hexadecimal."""

    type: Literal["tidewatch.evidence.seal.1"] = "tidewatch.evidence.seal.1"
    tenant: str
    chain: str
    number: int
    """From 0 on, without gaps."""
    hour: int
    """When the hour begins."""
    first: int
    """The number of its first entry."""
    count: int
    """How many entries it has."""
    before: str
    """The hash of the entry before the first one."""
    head: str
    """The hash of its last entry; ``before`` when it has none."""
    root: str
    """The Merkle tree hash over its entries (RFC 6962)."""
    tally: dict[str, list[int]]
    """Control -> how many verdicts of the hour were compliant, violations, not evaluated."""
    previous: str
    """SHA-256 of the seal before."""
    offset: int
    """Of the record of the topic ``evidence`` that ended the hour."""
    key: str
    """The id of the key that signs; empty: nobody does."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """How far a chain has come."""

    type: Literal["tidewatch.evidence.head.1"] = "tidewatch.evidence.head.1"
    tenant: str
    chain: str
    count: int
    """How many entries the chain has."""
    head: str
    """The hash of the last one."""
    seals: int
    """How many seals the chain has."""
    sealed: str
    """SHA-256 of the last seal."""
    at: int
    """When that was, by the clock of the Kafka broker."""
    offset: int
    """Of the last record of the topic ``evidence`` that it includes."""
    key: str
    """The id of the key that signs; empty: nobody does."""


class Signed(NamedTuple):
    """Bytes, and who vouches for them: an Ed25519 signature over them, hexadecimal, or nothing."""

    text: str
    signature: str


def entry_text(
    tenant: str, chain: str, seq: int, at_ms: int, offset: int, previous: str, kind: str, body: Mapping[str, Any]
) -> str:
    """An entry of a chain, entered at ``at_ms``; ``offset`` is that of its record in the topic ``evidence``."""
    stated = {"tenant": tenant, "chain": chain, "seq": seq, "at": at_ms, "offset": offset, "previous": previous}
    return text({**stated, "kind": kind, "body": body})


def text(content: Any) -> str:
    """Canonical bytes, as text. Raises TypeError for what JSON does not know."""
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()


def struct_text(content: Seal | Head) -> str:
    """Of a seal or head."""
    return text(msgspec.to_builtins(content))
