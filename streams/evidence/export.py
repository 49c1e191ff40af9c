"""A stretch of the ledger as a file that verifies by itself: lines, each with the very bytes that were hashed.

``tidewatch evidence 1 CHAINS``, and for each chain ``C STRETCH``, then ``E ENTRY`` lines, ``S SIGNATURE SEAL`` after
the entries that it seals, and ``H SIGNATURE HEAD``; ``-`` stands for no signature. See docs/reference/evidence.md.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec

from streams.evidence.anchors import NONE, Anchors
from streams.evidence.canonical import Entry, Head, Signed, text
from streams.evidence.signing import PublicKeys
from streams.evidence.verifying import Bad, ChainVerifier, read

_MAGIC = "tidewatch evidence 1"

_AT_ONCE = 1_000
"""Entries that are verified at a time."""


class Stretch(msgspec.Struct, frozen=True):
    """Which part of a chain a file has."""

    tenant: str
    chain: str
    first: int
    """The number of the first entry."""
    entries: int
    seals: int


class Entries(NamedTuple):
    """Some rows of the ledger that follow one another, and what columns beside them say: seq, offset and at."""

    rows: Sequence[bytes]
    columns: Sequence[tuple[int, int, int]] = ()

    def encode(self) -> bytes:
        """As lines."""
        return b"".join(b"E %b\n" % row for row in self.rows)

    def agree(self, found: Sequence[Entry]) -> None:
        """Columns are for queries; they too must say what entries say. Raises Bad."""
        for entry, columns in zip(found, self.columns, strict=False):
            if (entry.seq, entry.offset, entry.at) != columns:
                raise Bad(f"entry {columns[0]} was altered: the columns of its row say otherwise")


class Line(NamedTuple):
    """A row of the ledger that is no entry: a seal, a seal whose entries are left out, or the head."""

    kind: Literal["S", "P", "H"]
    data: bytes
    signature: str = ""

    @property
    def signed(self) -> Signed:
        """Of a seal or head. Bytes that are no UTF-8 become some that no signature fits."""
        return Signed(self.data.decode("utf-8", "replace"), self.signature)

    def encode(self) -> bytes:
        """With its end."""
        return b"%b %b %b\n" % (self.kind.encode(), (self.signature or "-").encode(), self.data)


class Verdict(NamedTuple):
    """What verifying a chain has found."""

    tenant: str
    chain: str
    first: int
    """The number of the entry with which it begins."""
    entries: int
    """Verified."""
    seals: int
    since_ms: int
    until_ms: int
    """The sealed hours."""
    head: Head | None
    """How far the chain goes, which may be further than what was there to verify."""
    problem: str
    """The first thing that is wrong; empty: nothing is."""
    roots: frozenset[str] = frozenset()
    """Of those that were looked for, the ones that its seals have."""


def verified(
    tenant: str, chain: str, lines: Iterable[Entries | Line], keys: PublicKeys, is_whole: bool, anchors: Anchors = NONE
) -> Verdict:
    """Verify the rows of one chain. ``is_whole``: they must reach up to the head."""
    verifier, head, problem = ChainVerifier(tenant, chain, keys, anchors), None, ""
    try:
        for line in lines:
            if head is not None:
                raise Bad("something follows on the head")
            if isinstance(line, Entries):
                _verify(verifier, line)
            elif line.kind == "S":
                verifier.seal(line.signed)
            elif line.kind == "P":
                verifier.pass_over(line.signed)
            else:
                head = verifier.head(line.signed)
        if head is None:
            raise Bad("the head is missing")
        if is_whole:
            verifier.complete(head)
        else:
            verifier.stops_at_a_seal(head)
    except Bad as bad:
        problem = str(bad)
    first, counted = verifier.first or 0, (verifier.entries, verifier.seals)
    hours = (verifier.since_ms, verifier.until_ms)
    return Verdict(tenant, chain, first, *counted, *hours, head, problem, frozenset(verifier.roots))


def _verify(verifier: ChainVerifier, entries: Entries) -> None:
    try:
        found = verifier.entries_of(entries.rows)
    except Bad:
        entries.agree([entry for row in entries.rows if (entry := read(row)) is not None])  # says more, if it says it
        raise
    entries.agree(found)


def beginning(chains: int) -> bytes:
    """The first line of a file."""
    return f"{_MAGIC} {chains}\n".encode()


def stretch_line(stretch: Stretch) -> bytes:
    """The first line of a chain."""
    return f"C {text(msgspec.to_builtins(stretch))}\n".encode()


def verify_file(lines: Iterable[bytes], keys: PublicKeys, anchors: Anchors = NONE) -> Iterator[Verdict]:
    """What is found of each chain of a file, up to the first with a problem; ``lines`` have their ends.

    Raises Bad when the file has no such form.
    """
    reader = _Reader(lines)
    for _ in range(reader.chains()):
        stretch, rows = reader.stretch()
        verdict = verified(stretch.tenant, stretch.chain, rows, keys, is_whole=False, anchors=anchors)
        verdict = verdict if verdict.problem else verdict._replace(problem=_shortage(stretch, verdict))
        yield verdict
        if verdict.problem:
            return
    reader.end()


def _shortage(stretch: Stretch, verdict: Verdict) -> str:
    """What the file announced and does not have."""
    if verdict.first != stretch.first:
        return f"entry {stretch.first} is missing: the entries begin with {verdict.first}"
    if verdict.entries != stretch.entries:
        return f"entry {stretch.first + verdict.entries} is missing: {stretch.entries} entries were exported"
    if verdict.seals != stretch.seals:
        return f"a seal is missing: {stretch.seals} were exported, {verdict.seals} are there"
    return ""


class _Reader:
    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = enumerate(lines, start=1)

    def chains(self) -> int:
        magic, _, chains = self._line().decode("utf-8", "replace").rpartition(" ")
        if magic != _MAGIC or not (chains.isascii() and chains.isdigit()):
            raise Bad("this is no export of evidence: its first line says something else")
        return int(chains)

    def stretch(self) -> tuple[Stretch, Iterator[Entries | Line]]:
        line = self._line()
        try:
            stretch = msgspec.json.decode(line.removeprefix(b"C "), type=Stretch)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            stretch = None
        if stretch is None or line != stretch_line(stretch).rstrip(b"\n"):
            raise Bad("the file was altered: a chain does not begin as one")
        return stretch, self._rows()

    def _rows(self) -> Iterator[Entries | Line]:
        """Up to the head, which is the last."""
        entries = list[bytes]()
        while True:
            kind, _, rest = self._line().partition(b" ")
            if kind == b"E":
                entries.append(rest)
                if len(entries) < _AT_ONCE:
                    continue
            if entries:
                yield Entries(entries)
                entries = []
            if kind == b"E":
                continue
            signature, _, data = rest.partition(b" ")
            if kind not in (b"S", b"H"):
                raise Bad("the file was altered: a line is none of an export")
            signed = "" if signature == b"-" else signature.decode("utf-8", "replace")
            yield Line("S" if kind == b"S" else "H", data, signed)
            if kind == b"H":
                return

    def end(self) -> None:
        if next(self._lines, None) is not None:
            raise Bad("the file was altered: lines follow on its end")

    def _line(self) -> bytes:
        _, line = next(self._lines, (0, b""))
        if not line.endswith(b"\n"):
            raise Bad("the file was altered: it ends too early")
        return line[:-1]
