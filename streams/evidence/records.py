"""What the topic ``evidence`` holds: findings of batches, acts of people, policies in force, and the passing of time.

A record of a batch names the partition and offsets that it was made from, so taking it in twice can be refused, as
deltas of windows are (:mod:`streams.windows.panes`).
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from schemas.failures import Rejected
from streams.batch import Partition

_PER_RECORD = 400
"""Violations of a record: some 500 bytes each, 2 kB with the longest names, and a broker takes 1 MB."""


class Violation(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a policy found wrong with one event."""

    offset: int
    """Of the event's record."""
    time_ms: int
    """When the event happened, epoch ms."""
    service: str
    policy: str
    policy_digest: str
    """SHA-256 of the policy's file, hexadecimal."""
    controls: tuple[str, ...]
    """Such as ``gdpr art-32``."""
    severity: str
    reason: str
    event_digest: bytes
    """SHA-256 of the value of the event's record."""
    record: tuple[Partition, str] | None = None
    """Where that is, and the topic's incarnation, when it is not where the findings are from."""


class Findings(msgspec.Struct, frozen=True, array_like=True, tag=1, kw_only=True):
    """What judging offsets ``first`` to ``last`` of one source partition gave for one tenant.

    What is too large for a record is cut into parts, numbered by ``part``; the tally is in part 0.
    """

    tenant: str
    source: Partition
    incarnation: str
    first: int
    last: int
    part: int
    violations: list[Violation]
    tally: dict[str, tuple[int, int, int]]
    """Control, such as ``gdpr art-6`` -> how many verdicts were compliant, violations, not evaluated."""


def in_parts(
    tenant: str,
    source: Partition,
    incarnation: str,
    first: int,
    last: int,
    violations: list[Violation],
    tally: dict[str, tuple[int, int, int]],
) -> Iterator[Findings]:
    """Findings as they are sent: as many records as the violations need, one at least."""
    for part, begin in enumerate(range(0, max(len(violations), 1), _PER_RECORD)):
        yield Findings(
            tenant=tenant,
            source=source,
            incarnation=incarnation,
            first=first,
            last=last,
            part=part,
            violations=violations[begin : begin + _PER_RECORD],
            tally={} if part else tally,
        )


class Act(msgspec.Struct, frozen=True, array_like=True, tag=2, kw_only=True):
    """What a person, or Tidewatch in its name, has done."""

    tenant: str
    kind: str
    """``attestation``, ``erasure``, ``access``, ``acknowledged``, ``silenced`` ..."""
    time_ms: int
    """When, by the clock of whoever wrote it, epoch ms."""
    by: str
    """Who."""
    details: dict[str, Any]
    """What the entry says besides: texts, whole numbers, and lists of them."""
    source: tuple[Partition, str, int] | None = None
    """Of an act that follows from a record: its partition, the topic's incarnation, its offset."""


class InForce(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """The policies with which a worker judges, told to every tenant."""

    policies: dict[str, str]
    """Id -> SHA-256 of its file."""


class Tick(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """Time has passed: the record's own time says how far."""


Record = Findings | Act | InForce | Tick

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Record)


def encode(record: Record) -> bytes:
    """The packed form."""
    return _encoder.encode(record)


def decode(value: bytes | None) -> Record:
    """Raises Rejected for what is no record of this version."""
    try:
        return _decoder.decode(value or b"")
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Rejected(f"no record of evidence: {error}") from None
