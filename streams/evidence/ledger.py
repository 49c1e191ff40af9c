"""One partition of the topic ``evidence``: its records become the chains of the tenants that live in it. Pure.

All of it follows from the records, their offsets and the times that the broker gave them; so whoever reads them again
writes the same rows again, and a row that is there twice is there once.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

import msgspec

from streams.batch import Partition
from streams.evidence.chain import HOUR_MS, Chain, ChainState, EntryRow, HeadRow, SealRow
from streams.evidence.records import Act, Findings, InForce, Record, Violation
from streams.evidence.signing import SigningKey

Row = EntryRow | SealRow

OVERFLOW = "__overflow__"
"""The tenant of whose chain those share for whom there is no more room."""


class LedgerState(msgspec.Struct, array_like=True, tag=1):
    """A ledger as it is kept in a snapshot; the tag is the version of the form."""

    offset: int
    now_ms: int
    policies: dict[str, str]
    taken: list[tuple[Partition, str, str, int, list[int]]]
    """(source, incarnation, tenant, last offset, parts of the record that ends there)"""
    chains: list[ChainState]


class Ledger:
    """The chains of one partition. ``name`` tells it from every other there ever was: incarnation and number.

    What comes of more than ``most_tenants`` is entered into one chain, that of the tenant :data:`OVERFLOW`.
    """

    def __init__(self, name: str, key: SigningKey | None, most_tenants: int = 1_000) -> None:
        self.name = name
        self.most_tenants = most_tenants
        self.offset = -1
        """Of the last record taken."""
        self.duplicates = 0
        """Records refused, because what they say was taken before."""
        self._key = key
        self._now_ms = 0
        self._policies: dict[str, str] = {}
        self._taken: dict[tuple[Partition, str, str], tuple[int, list[int]]] = {}
        self._chains: dict[str, Chain] = {}
        self._grown: set[str] = set()

    def take(self, record: Record, offset: int, at_ms: int) -> list[Row]:
        """The rows that follow from the record at ``offset``, which the broker has had since ``at_ms``."""
        if offset <= self.offset:
            return []
        self.offset, self._now_ms = offset, max(self._now_ms, at_ms)
        rows: list[Row] = list(self._roll())
        if isinstance(record, Findings):
            rows += self._findings(record)
        elif isinstance(record, Act):
            rows += self._act(record)
        elif isinstance(record, InForce):
            rows += self._in_force(record.policies)
        return rows

    def heads(self) -> list[HeadRow]:
        """How far the chains are that have grown since this was asked last."""
        grown, self._grown = sorted(self._grown), set()
        return [self._chains[tenant].head(self._now_ms, self.offset) for tenant in grown]

    def open_until_ms(self) -> int | None:
        """When the hour ends that waits for its seal; None when none does."""
        ends = [chain.state.hour_ms + HOUR_MS for chain in self._chains.values() if chain.has_unsealed]
        return min(ends, default=None)

    def _roll(self) -> Iterator[SealRow]:
        hour_ms = self._now_ms // HOUR_MS * HOUR_MS
        for tenant, chain in self._chains.items():
            sealed = chain.roll(hour_ms, self.offset)
            if sealed is not None:
                self._grown.add(tenant)
                yield sealed

    def _findings(self, record: Findings) -> Iterator[Row]:
        tenant = self._tenant(record.tenant)
        part = record.part if tenant == record.tenant else _part_of(record.tenant, record.part)
        if self._is_known(record.source, record.incarnation, tenant, record.last, part):
            return
        yield from self._greet(tenant)
        self._chains[tenant].count(record.tally)
        self._grown.add(tenant)
        of = {} if tenant == record.tenant else {"of": record.tenant}
        for violation in record.violations:
            yield self._enter(tenant, "violation", {**_violation(violation, record), **of})

    def _act(self, record: Act) -> Iterator[Row]:
        tenant = self._tenant(record.tenant)
        if record.source is not None:
            source, incarnation, offset = record.source
            if self._is_known(source, incarnation, tenant, offset, 0):
                return
        yield from self._greet(tenant)
        of = {} if tenant == record.tenant else {"of": record.tenant}
        if record.kind == "attestation" and not of:
            self._attested(record)
        yield self._enter(tenant, record.kind, {"by": record.by, "time": record.time_ms, **record.details, **of})

    def _tenant(self, name: str) -> str:
        """Whose chain takes what comes of a tenant."""
        return name if name in self._chains or len(self._chains) < self.most_tenants else OVERFLOW

    def _attested(self, record: Act) -> None:
        framework, control, until_ms = (record.details.get(name) for name in ("framework", "control", "until"))
        if type(until_ms) is int:
            self._chains[record.tenant].state.attested[f"{framework} {control}"] = until_ms

    def attested(self) -> Iterator[tuple[str, str, int]]:
        """Tenant, control such as ``soc2 CC1.1``, and until when somebody attests to it, epoch ms."""
        for tenant, chain in self._chains.items():
            for control, until_ms in chain.state.attested.items():
                yield tenant, control, until_ms

    def _in_force(self, policies: Mapping[str, str]) -> Iterator[Row]:
        before, self._policies = self._policies, dict(policies)
        if before == self._policies:
            return
        changed = {
            "added": sorted(policies.keys() - before.keys()),
            "removed": sorted(before.keys() - policies.keys()),
            "changed": sorted(name for name in policies.keys() & before.keys() if policies[name] != before[name]),
        }
        for tenant in sorted(self._chains):
            yield self._enter(tenant, "policies", {"policies": self._policies, **changed})

    def _greet(self, tenant: str) -> Iterator[Row]:
        """A tenant that is new has a chain, which begins with the policies in force."""
        if tenant not in self._chains:
            state = ChainState(tenant, f"{self.name}/{self.offset}", self._now_ms // HOUR_MS * HOUR_MS)
            self._chains[tenant] = Chain(state, self._key)
            yield self._enter(tenant, "policies", {"policies": self._policies, "added": sorted(self._policies)})

    def _enter(self, tenant: str, kind: str, body: Mapping[str, Any]) -> EntryRow:
        self._grown.add(tenant)
        return self._chains[tenant].enter(kind, body, self._now_ms, self.offset)

    def _is_known(self, source: Partition, incarnation: str, tenant: str, last: int, part: int) -> bool:
        """Whether it was taken before: what a worker repeats after a crash ends at the same offset."""
        key = (source, incarnation, tenant)
        known, parts = self._taken.get(key, (-1, []))
        if last < known or (last == known and part in parts):
            self.duplicates += 1
            return True
        self._taken[key] = (last, [*parts, part] if last == known else [part])
        return False

    def snapshot(self) -> bytes:
        """The state after the last record taken."""
        taken = [(*key, *covered) for key, covered in self._taken.items()]
        chains = [chain.snapshot() for chain in self._chains.values()]
        return msgspec.msgpack.encode(LedgerState(self.offset, self._now_ms, self._policies, taken, chains))

    def restore(self, packed: bytes) -> None:
        """Go on from a snapshot. Raises msgspec.DecodeError when another version wrote it."""
        state = msgspec.msgpack.decode(packed, type=LedgerState)
        self.offset, self._now_ms, self._policies = state.offset, state.now_ms, state.policies
        self._taken = {(source, run, tenant): (last, parts) for source, run, tenant, last, parts in state.taken}
        self._chains = {each.tenant: Chain(each, self._key) for each in state.chains}


def _part_of(tenant: str, part: int) -> int:
    """A number for a part of a tenant that has no chain of its own: many of these share what is remembered."""
    return int.from_bytes(sha256(f"{tenant} {part}".encode()).digest()[:7], "big")


def _violation(found: Violation, record: Findings) -> dict[str, Any]:
    (topic, partition), incarnation = found.record or (record.source, record.incarnation)
    return {
        "time": found.time_ms,
        "service": found.service,
        "policy": found.policy,
        "policy_digest": found.policy_digest,
        "controls": list(found.controls),
        "severity": found.severity,
        "reason": found.reason,
        "event_digest": found.event_digest.hex(),
        "record": {
            "topic": topic,
            "incarnation": incarnation,
            "partition": partition,
            "offset": found.offset,
        },
    }
