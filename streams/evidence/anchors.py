"""What somebody kept of the ledger at an earlier time: whether the ledger of today still has it. Pure.

A head names the hash of the last entry, and each entry the one before; so who finds it again knows that nothing before
it was written anew, not even by somebody who has the private key. The same holds for the root of an hour with entries.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

import msgspec

from schemas.failures import Rejected
from streams.evidence.canonical import Head
from streams.evidence.merkle import EMPTY

_ROOT = re.compile(r"[0-9a-f]{64}")


class Kept(msgspec.Struct, frozen=True):
    """A chain, as ``tidewatch audit verify --json`` printed it; what else it says is not needed."""

    head: Head | None


class Anchors(NamedTuple):
    """Heads that were kept, one a chain, and roots."""

    heads: tuple[Head, ...] = ()
    roots: frozenset[str] = frozenset()

    def of(self, tenant: str, name: str) -> "Anchors":
        """Those that a chain can meet: any chain may have a root."""
        return Anchors(tuple(head for head in self.heads if (head.tenant, head.chain) == (tenant, name)), self.roots)

    def of_tenant(self, tenant: str) -> "Anchors":
        """The heads of one tenant, and the roots."""
        return Anchors(tuple(head for head in self.heads if head.tenant == tenant), self.roots)

    def missing(self, chains: set[tuple[str, str]]) -> Iterator[Head]:
        """The heads of chains that are not there any more."""
        return (head for head in self.heads if (head.tenant, head.chain) not in chains)


NONE = Anchors()


def joined(anchors: Iterable[Anchors]) -> Anchors:
    """All of them."""
    heads, roots = zip(NONE, *anchors, strict=True)
    return Anchors(tuple(chain.from_iterable(heads)), frozenset[str]().union(*roots))


def root_anchor(text: str) -> Anchors:
    """Of the root of an hour. Raises Rejected for what is none, or is that of an hour without entries."""
    if not _ROOT.fullmatch(text):
        raise Rejected(
            f"{text} is neither a file nor a root: give 64 hexadecimal digits, or what verify --json printed"
        )
    if text == EMPTY.hex():
        raise Rejected("this is the root of an hour without entries, which proves nothing: give that of another hour")
    return Anchors(roots=frozenset({text}))


def kept_anchors(data: bytes) -> Anchors:
    """Of what ``tidewatch audit verify --json`` printed. Raises Rejected for anything else."""
    try:
        kept = msgspec.json.decode(data, type=list[Kept])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Rejected("the anchor is not what tidewatch audit verify --json prints") from None
    if not (heads := tuple(each.head for each in kept if each.head is not None)):
        raise Rejected("the anchor knows no chain: it was kept when there was no evidence yet")
    return Anchors(heads)
