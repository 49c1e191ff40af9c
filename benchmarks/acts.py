"""Processing events as those of a company: what the figures of judging are measured on.

2,000 kinds of processing (what is done where in the code) in 40 services, each of them by three instances: so there are
6,000 texts around what differs. Half of the services write as our ``Publisher`` does, with all members; half as
``json.dumps``, with those that they know. Ids are UUIDs and never come again, nor do times; whom an event is about is
drawn from 100,000 people, some of them often. Most kinds comply or leave something open; in every twentieth nobody has
thought about it, which is where most violations come from. One event in five hundred answers a request and says when
that came: no other event has its facts.
"""

import json
import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from schemas.events import ProcessingEvent
from schemas.events.processing import Processing

START = datetime(2026, 11, 22, 10, tzinfo=UTC)

SERVICES, KINDS, INSTANCES, PEOPLE, STAFF, PARTNERS = 40, 2_000, 3, 100_000, 300, 25

_PURPOSES = (*tuple(f"purpose_{number}" for number in range(16)), "treatment", "marketing", "order_delivery", "support")

_CAREFUL: Mapping[str, Sequence[Any]] = {
    "operation": ("read", "read", "write", "update", "export", "share", "delete"),
    "data_categories": (["personal"], ["personal"], ["pseudonymous"], ["none"], ["personal", "phi"], ["cardholder"]),
    "purpose": _PURPOSES,
    "legal_basis": ("contract", "contract", "legal_obligation", "consent"),
    "consent": (True,),
    "location": ("EU", "DE", "FR"),
    "encrypted": (True,),
    "retention_days": (30, 365),
}
_CARELESS: Mapping[str, Sequence[Any]] = {
    **_CAREFUL,
    "legal_basis": ("", "consent", "legitimate_interests"),
    "consent": (False, None, True),
    "location": ("US", "", "EU"),
    "encrypted": (False, None, True),
    "retention_days": (4000, None, 365),
}
_ATTRIBUTES: Sequence[dict[str, str]] = (
    *[{}] * 6,
    {"minimum_necessary": "true", "treatment_relationship": "true"},
    {"transfer_safeguard": "scc", "processor_contract": "true"},
)
_SHARES = frozenset({"export", "share"})


class Kind(NamedTuple):
    """What one place in the code of a service does."""

    service: int
    stated: dict[str, Any]
    by_itself: bool
    """Nobody in particular acts."""


def kinds(chance: random.Random, number: int = KINDS) -> list[Kind]:
    """``number`` kinds of processing."""
    found = []
    for at in range(number):
        drawn = _CAREFUL if at % 20 else _CARELESS
        stated = {name: chance.choice(choices) for name, choices in drawn.items()}
        if stated["legal_basis"] != "consent":
            stated["consent"] = None
        stated["attributes"] = chance.choice(_ATTRIBUTES)
        found.append(Kind(at % SERVICES, stated, chance.random() < 0.3))
    return found


def records(number: int, seed: int, known: Sequence[Kind]) -> list[bytes]:
    """``number`` records of the ``known`` kinds; those of another seed are other events."""
    chance = random.Random(seed)
    written = []
    for at in range(number):
        kind = chance.choice(known)
        event = _event(chance, kind, START + timedelta(milliseconds=60_000 * (seed % 100) + at))
        written.append(_in_full(event) if kind.service % 2 else _in_short(event))
    return written


def _event(chance: random.Random, kind: Kind, time: datetime) -> ProcessingEvent:
    stated, person = dict(kind.stated), int(PEOPLE * chance.random() ** 3)
    if stated["operation"] in _SHARES:
        stated["recipient"] = f"partner-{chance.randrange(PARTNERS)}"
    if stated["legal_basis"] == "consent":
        stated["consent_id"] = f"consent-{person}"
    if not kind.by_itself:
        stated["actor"] = f"user-{chance.randrange(STAFF)}"
    if chance.random() < 0.002:
        came = START - timedelta(seconds=chance.randrange(30 * 86_400))
        stated["attributes"] = {"request_received_at": came.isoformat()}
    data = Processing(service=f"service-{kind.service}", data_subject=f"customer-{person}", **stated)
    source = f"/service-{kind.service}/{chance.randrange(INSTANCES)}"
    identity = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    return ProcessingEvent(specversion="1.0", id=identity, source=source, time=time, data=data)


_in_full = msgspec.json.Encoder().encode


def _in_short(event: ProcessingEvent) -> bytes:
    said = msgspec.to_builtins(event)
    said.pop("datacontenttype")
    said["time"] = event.time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{event.time.microsecond // 1000:03}Z"
    said["data"] = {name: value for name, value in said["data"].items() if value not in ("", None, {}, "default")}
    return json.dumps(said).encode()


def unlike_all(records: Sequence[bytes], round_: int) -> Iterator[bytes]:
    """The same events, each from a source of its own: no text that was learned helps."""
    for at, record in enumerate(records):
        yield record.replace(b"/service-", b"/%d-%d/service-" % (round_, at), 1)
