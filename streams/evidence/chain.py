"""The chain of one tenant: each entry names the hash of the one before, and each hour is sealed."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from streams.evidence import canonical
from streams.evidence.canonical import FIRST, Head, Seal, Signed
from streams.evidence.merkle import Peak, Tree, leaf_hash
from streams.evidence.signing import SigningKey

HOUR_MS = 3_600_000


class EntryRow(NamedTuple):
    """A row of ``evidence``."""

    tenant: str
    chain: str
    seq: int
    at_ms: int
    offset: int
    text: str


class SealRow(NamedTuple):
    """A row of ``evidence_seals``."""

    tenant: str
    chain: str
    number: int
    hour_ms: int
    first: int
    offset: int
    signed: Signed


class HeadRow(NamedTuple):
    """A row of ``evidence_heads``."""

    tenant: str
    chain: str
    offset: int
    entries: int
    at_ms: int
    signed: Signed


class ChainState(msgspec.Struct, array_like=True):
    """A chain as it is kept in a snapshot."""

    tenant: str
    chain: str
    hour_ms: int
    """The hour that is not sealed yet."""
    seq: int = 0
    """The number of the next entry."""
    head: str = FIRST
    first: int = 0
    """The number of the hour's first entry."""
    before: str = FIRST
    """The head when the hour began."""
    peaks: list[Peak] = []
    tally: dict[str, list[int]] = {}
    seals: int = 0
    sealed: str = FIRST
    attested: dict[str, int] = {}
    """Control, such as ``soc2 CC1.1`` -> until when it is attested to, epoch ms."""


class Chain:
    """Grows by entries, and by seals when an hour is over."""

    def __init__(self, state: ChainState, key: SigningKey | None) -> None:
        self.state = state
        self._tree = Tree(list(state.peaks))
        self._key = key

    def snapshot(self) -> ChainState:
        """The state, as it is now."""
        return msgspec.structs.replace(self.state, peaks=list(self._tree.peaks))

    def enter(self, kind: str, body: Mapping[str, Any], at_ms: int, offset: int) -> EntryRow:
        """Add an entry; the hour of ``at_ms`` must be the one that is open."""
        state = self.state
        assert at_ms // HOUR_MS * HOUR_MS == state.hour_ms
        text = canonical.entry_text(state.tenant, state.chain, state.seq, at_ms, offset, state.head, kind, dict(body))
        hashed = leaf_hash(text.encode())
        self._tree.add(hashed)
        row = EntryRow(state.tenant, state.chain, state.seq, at_ms, offset, text)
        state.head, state.seq = hashed.hex(), state.seq + 1
        return row

    def count(self, tally: Mapping[str, tuple[int, int, int]]) -> None:
        """Add verdicts to what the hour's seal will say."""
        for control, numbers in tally.items():
            known = self.state.tally.get(control, [0, 0, 0])
            self.state.tally[control] = [a + b for a, b in zip(known, numbers, strict=True)]

    def roll(self, hour_ms: int, offset: int) -> SealRow | None:
        """Begin the hour; the seal of the one that ends so, when anything happened in it."""
        state = self.state
        if hour_ms <= state.hour_ms:
            return None
        sealed = self._seal(offset) if self.has_unsealed else None
        state.hour_ms, state.first, state.before, state.tally = hour_ms, state.seq, state.head, {}
        self._tree = Tree()
        return sealed

    @property
    def has_unsealed(self) -> bool:
        """Whether there is something for a seal."""
        return self.state.seq > self.state.first or bool(self.state.tally)

    def _seal(self, offset: int) -> SealRow:
        state = self.state
        seal = Seal(
            tenant=state.tenant,
            chain=state.chain,
            number=state.seals,
            hour=state.hour_ms,
            first=state.first,
            count=len(self._tree),
            before=state.before,
            head=state.head,
            root=self._tree.root().hex(),
            tally=state.tally,
            previous=state.sealed,
            offset=offset,
            key=self._key_id,
        )
        signed = self._signed(seal)
        state.seals, state.sealed = state.seals + 1, sha256(signed.text.encode()).hexdigest()
        return SealRow(state.tenant, state.chain, seal.number, seal.hour, seal.first, offset, signed)

    def head(self, at_ms: int, offset: int) -> HeadRow:
        """How far the chain is now, signed."""
        state = self.state
        head = Head(
            tenant=state.tenant,
            chain=state.chain,
            count=state.seq,
            head=state.head,
            seals=state.seals,
            sealed=state.sealed,
            at=at_ms,
            offset=offset,
            key=self._key_id,
        )
        return HeadRow(state.tenant, state.chain, offset, state.seq, at_ms, self._signed(head))

    @property
    def _key_id(self) -> str:
        return self._key.id if self._key else ""

    def _signed(self, content: Seal | Head) -> Signed:
        text = canonical.struct_text(content)
        return Signed(text, self._key.sign(text) if self._key else "")
