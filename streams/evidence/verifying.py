"""Whether a chain is as it was written: entries in their order, sealed hours, the signed head. One pass, any length.

What is found first ends the verification of a chain. Where two neighbours disagree, the one after tells which is right.
"""

from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple

import msgspec

from streams.evidence.anchors import NONE, Anchors
from streams.evidence.canonical import FIRST, Entry, Head, Seal, Signed
from streams.evidence.chain import HOUR_MS
from streams.evidence.merkle import Tree, leaf_hash
from streams.evidence.signing import PublicKeys

_entry = msgspec.json.Decoder(Entry)
_seal = msgspec.json.Decoder(Seal)
_head = msgspec.json.Decoder(Head)


class Bad(Exception):  # noqa: N818 - it is about rows, and no error of the program
    """What is wrong, with which entry or seal."""


class Suspicion(NamedTuple):
    """The entry ``seq`` is not what its successor says it is: one of the two was altered."""

    seq: int


def read(data: bytes) -> Entry | None:
    """What an entry says; None when it is none."""
    try:
        return _entry.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


class ChainVerifier:
    """Takes the rows of one chain in order: the entries of an hour, then its seal; at the end the head.

    It may begin with the first entry of any sealed hour. With ``keys``, all that is signed must be so by one of them;
    without, signatures are not looked at, and what is proved is that nobody altered rows without altering all others.
    What ``anchors`` know of this chain must be found again.
    """

    def __init__(self, tenant: str, chain: str, keys: PublicKeys, anchors: Anchors = NONE) -> None:
        self.tenant = tenant
        self.chain = chain
        self.keys = keys
        self.anchors = anchors.of(tenant, chain)
        self.roots: set[str] = set()
        """Of the anchors, those that were found."""
        self.entries = 0
        """Verified."""
        self.seals = 0
        """Verified."""
        self.first: int | None = None
        """The number of the entry with which it begins."""
        self.since_ms = self.until_ms = 0
        """Of the sealed hours: the beginning of the first, the end of the last."""
        self._next: int | None = None
        self._head = ""
        self._at = self._offset = -1
        self._suspicion: Suspicion | None = None
        self._first: tuple[int, str] | None = None
        """Of the hour: its first entry, and the hash before it."""
        self._tree = Tree()
        self._seal_number: int | None = None
        self._sealed = ""
        self._met: set[Head] = set()

    def entries_of(self, rows: Sequence[bytes]) -> list[Entry]:
        """The next entries, one at least. Raises Bad."""
        found, leaves = list[Entry](), list[bytes]()
        while len(found) < len(rows):
            leaves.append(self._entry(rows[len(found)], found))
            leaves += self._in_a_row(rows[len(found) :], found)
        self._anchored(found[0].seq, leaves)
        return found

    def _in_a_row(self, rows: Sequence[bytes], found: list[Entry]) -> list[bytes]:
        """The hashes of the entries up to the first that is remarkable in any way: a million take seconds."""
        leaves = list[bytes]()
        if self._suspicion is not None:
            return leaves
        tenant, chain, seq, head = self.tenant, self.chain, self._next or 0, self._head
        at, offset, decode = self._at, self._offset, _entry.decode
        with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            for data in rows:
                entry = decode(data)
                if entry.previous != head or entry.seq != seq or entry.tenant != tenant or entry.chain != chain:
                    break
                if entry.at < at or entry.offset < offset:
                    break
                leaf = sha256(b"\x00" + data).digest()
                head, seq, at, offset = leaf.hex(), seq + 1, entry.at, entry.offset
                found.append(entry)
                leaves.append(leaf)
        for leaf in leaves:
            self._tree.add(leaf)
        self._next, self._head, self._at, self._offset = seq, head, at, offset
        self.entries += len(leaves)
        return leaves

    def _entry(self, data: bytes, found: list[Entry]) -> bytes:
        """One entry, of which anything may be wrong; its hash."""
        entry = self._decoded(data)
        if self._next is None:
            self._next, self._head = entry.seq, entry.previous
            if entry.seq == 0 and entry.previous != FIRST:
                raise Bad("entry 0 names an entry before it")
        self._in_place(entry)
        self.first = entry.seq if self.first is None else self.first
        hashed = leaf_hash(data)
        if self._suspicion is not None:
            self._settle(entry.previous == self._head)
        if entry.previous != self._head:
            self._suspicion = Suspicion(entry.seq - 1)
        if self._first is None:
            self._first = (entry.seq, entry.previous)
        self._tree.add(hashed)
        self._next, self._head = entry.seq + 1, hashed.hex()
        self._at, self._offset = entry.at, entry.offset
        self.entries += 1
        found.append(entry)
        return hashed

    def _anchored(self, first: int, leaves: Sequence[bytes]) -> None:
        for kept in self.anchors.heads:
            last = kept.count - 1
            if first <= last < first + len(leaves):
                if leaves[last - first].hex() != kept.head:
                    raise Bad(f"entry {last}, or one before it, was written anew: the anchor knows it otherwise")
                self._met.add(kept)

    def _decoded(self, data: bytes) -> Entry:
        if (found := read(data)) is None:
            which = "the first entry" if self._next is None else f"entry {self._next}"
            raise Bad(f"{which} was altered: it is no entry any more")
        return found

    def _in_place(self, found: Entry) -> None:
        if (found.tenant, found.chain) != (self.tenant, self.chain):
            raise Bad(f"entry {self._next} was altered: it belongs to another chain")
        if found.seq != self._next:
            raise Bad(f"entry {self._next} is missing: entry {found.seq} stands in its place")
        if found.at < self._at or found.offset < self._offset:
            raise Bad(f"entry {found.seq} was altered: it is older than the one before it")

    def _settle(self, is_confirmed: bool) -> None:
        """``is_confirmed``: whoever comes next knows the last entry as it is; so the one before that was altered."""
        assert self._suspicion is not None
        altered = self._suspicion.seq if is_confirmed else self._suspicion.seq + 1
        raise Bad(f"entry {altered} was altered")

    def seal(self, signed: Signed) -> Seal:
        """The seal of the entries since the one before. Raises Bad."""
        wanted = "the first seal" if self._seal_number is None else f"seal {self._seal_number + 1}"
        seal = self._signed_seal(signed, wanted)
        if self._suspicion is not None:
            self._settle(seal.head == self._head)
        self._follows(seal)
        self._summed_up(seal)
        self._keep(seal, signed)
        self._tree, self._first = Tree(), None
        self.since_ms = self.since_ms or seal.hour
        self.until_ms = seal.hour + HOUR_MS
        self.seals += 1
        return seal

    def pass_over(self, signed: Signed) -> Seal:
        """A seal whose entries are not looked at. Raises Bad."""
        wanted = "seal 0" if self._seal_number is None else f"seal {self._seal_number + 1}"
        seal = self._signed_seal(signed, wanted)
        self._follows(seal)
        if (seal.first, seal.before) != (self._next or 0, self._head or FIRST):
            raise Bad(f"seal {seal.number} was altered: it does not begin where the one before ends")
        self._next, self._head = seal.first + seal.count, seal.head
        self._keep(seal, signed)
        return seal

    def _follows(self, seal: Seal) -> None:
        if self._seal_number is None:
            if seal.number == 0 and seal.previous != FIRST:
                raise Bad("seal 0 was altered: it names a seal before it")
            return
        if seal.number != self._seal_number + 1:
            raise Bad(f"seal {self._seal_number + 1} is missing: seal {seal.number} stands in its place")
        if seal.previous != self._sealed:
            raise Bad(f"seal {self._seal_number} was altered: seal {seal.number} knows it otherwise")

    def _keep(self, seal: Seal, signed: Signed) -> None:
        self._seal_number, self._sealed = seal.number, sha256(signed.text.encode()).hexdigest()
        self.roots |= self.anchors.roots & {seal.root}
        for kept in self.anchors.heads:
            if kept.seals == seal.number + 1:
                if kept.sealed != self._sealed:
                    raise Bad(f"seal {seal.number}, or one before it, was written anew: the anchor knows it otherwise")
                self._met.add(kept)

    def _signed_seal(self, signed: Signed, wanted: str) -> Seal:
        try:
            seal = _seal.decode(signed.text)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise Bad(f"{wanted} was altered: it is no seal any more") from None
        if self.keys and (problem := self.keys.problem(seal.key, signed.text, signed.signature)):
            raise Bad(f"{wanted} {problem}")
        if (seal.tenant, seal.chain) != (self.tenant, self.chain):
            raise Bad(f"{wanted} was altered: it belongs to another chain")
        return seal

    def _summed_up(self, seal: Seal) -> None:
        """Whether the seal says of the hour what its entries are."""
        if self._next is None:
            self._next, self._head = seal.first, seal.before
        first, before = self._first or (self._next, self._head)
        self.first = first if self.first is None else self.first
        if seal.first != first:
            raise Bad(f"entry {min(seal.first, first)} is missing: seal {seal.number} begins with {seal.first}")
        if seal.count != len(self._tree):
            odd = seal.first + min(seal.count, len(self._tree))
            what = "missing" if len(self._tree) < seal.count else "too much"
            raise Bad(
                f"entry {odd} is {what}: seal {seal.number} has {seal.count} entries, there are {len(self._tree)}"
            )
        if seal.before != before:
            raise Bad(f"entry {first} was altered: seal {seal.number} knows another one before it")
        if seal.head != self._head:
            raise Bad(f"entry {self._next - 1} was altered: seal {seal.number} knows it otherwise")
        if seal.root != self._tree.root().hex():
            raise Bad(f"seal {seal.number} was altered: its root is not that of its entries")
        if seal.count and not seal.hour <= self._at < seal.hour + HOUR_MS:
            raise Bad(f"seal {seal.number} was altered: its entries are of another hour")

    def head(self, signed: Signed) -> Head:
        """The chain's head; it may be further than the rows taken. Raises Bad."""
        try:
            head = _head.decode(signed.text)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise Bad("the head was altered: it is none any more") from None
        if self.keys and (problem := self.keys.problem(head.key, signed.text, signed.signature)):
            raise Bad(f"the head {problem}")
        if (head.tenant, head.chain) != (self.tenant, self.chain):
            raise Bad("the head was altered: it belongs to another chain")
        if self._suspicion is not None:
            self._settle(head.head == self._head)
        taken = self._next or 0
        if taken > head.count:
            raise Bad(f"entry {head.count} is too much: the head knows {head.count} entries")
        if taken == head.count and self._next is not None and head.head != self._head:
            raise Bad(f"entry {taken - 1} was altered: the head knows it otherwise")
        self._agrees_on_seals(head)
        self._knows_what_was_kept(head)
        return head

    def _knows_what_was_kept(self, head: Head) -> None:
        for kept in self.anchors.heads:
            if kept.count > head.count:
                raise Bad(f"entry {head.count} is missing: the anchor knows {kept.count} entries")
            if kept.seals > head.seals:
                raise Bad(f"seal {head.seals} is missing: the anchor knows {kept.seals} seals")
            if kept not in self._met and (kept.count or kept.seals):
                raise Bad(
                    f"entry {kept.count - 1}, which the anchor knows, is not part of this: verify more of the chain"
                )

    def _agrees_on_seals(self, head: Head) -> None:
        if self._seal_number is None:
            return
        if self._seal_number + 1 > head.seals:
            raise Bad(f"seal {head.seals} is too much: the head knows {head.seals} seals")
        if self._seal_number + 1 == head.seals and self._sealed != head.sealed:
            raise Bad(f"seal {self._seal_number} was altered: the head knows it otherwise")

    def complete(self, head: Head) -> None:
        """Nothing is missing up to the head. Raises Bad."""
        taken, seals = self._next or 0, 0 if self._seal_number is None else self._seal_number + 1
        if taken < head.count:
            raise Bad(f"entry {taken} is missing: the head knows {head.count} entries")
        if seals < head.seals:
            raise Bad(f"seal {seals} is missing: the head knows {head.seals} seals")

    def stops_at_a_seal(self, head: Head) -> None:
        """What ends before the head ends with an hour: nothing is missing before its seal. Raises Bad."""
        if self._first is not None and self._next != head.count:
            raise Bad(f"entry {self._next} is missing: the head knows {head.count} entries, and no seal ends here")
