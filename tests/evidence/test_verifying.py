"""A chain that its own key has signed is still wrong when it does not say of itself what is so."""

import pytest

from streams.evidence import canonical
from streams.evidence.anchors import Anchors
from streams.evidence.canonical import FIRST, Head, Seal, Signed
from streams.evidence.chain import HOUR_MS
from streams.evidence.merkle import Tree, leaf_hash
from streams.evidence.verifying import Bad, ChainVerifier
from tests.evidence.ledgers import KEY, KEYS, NOON_MS

GOOD = ({}, {}, {})


def entries(*changes: dict[str, object]) -> list[bytes]:
    """As many entries as changes, each naming the hash of the one before, whatever else it says."""
    rows, previous = list[bytes](), FIRST
    for seq, change in enumerate(changes):
        stated = {"tenant": "acme", "chain": "x", "seq": seq, "at_ms": NOON_MS + seq, "offset": seq, "kind": "act"}
        text = canonical.entry_text(**{"previous": previous, "body": {}, **stated, **change})  # type: ignore[arg-type]
        rows.append(text.encode())
        previous = leaf_hash(rows[-1]).hex()
    return rows


def sealed(rows: list[bytes], **change: object) -> Signed:
    tree, hashes = Tree(), [leaf_hash(row) for row in rows]
    for each in hashes:
        tree.add(each)
    said = {"number": 0, "hour": NOON_MS // HOUR_MS * HOUR_MS, "first": 0, "count": len(rows), "before": FIRST}
    said |= {"head": hashes[-1].hex(), "root": tree.root().hex(), "tally": {}, "previous": FIRST, "offset": len(rows)}
    text = canonical.struct_text(Seal(**{"tenant": "acme", "chain": "x", "key": KEY.id, **said, **change}))  # type: ignore[arg-type]
    return Signed(text, KEY.sign(text))


def head(rows: list[bytes], **change: object) -> Head:
    said = {"count": len(rows), "head": leaf_hash(rows[-1]).hex(), "seals": 0, "sealed": FIRST, "at": 0, "offset": 9}
    return Head(**{"tenant": "acme", "chain": "x", "key": KEY.id, **said, **change})  # type: ignore[arg-type]


def test_what_is_well_made_is_good() -> None:
    verifier = ChainVerifier("acme", "x", KEYS)
    rows = entries(*GOOD)
    verifier.entries_of(rows)
    verifier.seal(sealed(rows))
    assert (verifier.entries, verifier.seals) == (3, 1)


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"tenant": "zeta"}, "belongs to another chain"),
        ({"chain": "y"}, "belongs to another chain"),
        ({"seq": 7}, "entry 7 stands in its place"),
    ],
    ids=str,
)
def test_an_entry_of_elsewhere_is_found_though_its_hash_fits(change: dict[str, object], problem: str, at: int) -> None:
    rows = entries(*({}, {}, {}, {})[:at], change, *({}, {}, {})[at:])
    verifier = ChainVerifier("acme", "x", KEYS)
    with pytest.raises(Bad) as found:
        verifier.entries_of(rows)
        verifier.seal(sealed(rows))
    assert problem in str(found.value) or (at == 0 and "seq" in change)


@pytest.mark.parametrize("change", [{"offset": 0}, {"at_ms": NOON_MS}], ids=str)
def test_an_entry_that_is_older_than_the_one_before_is_found(change: dict[str, object]) -> None:
    with pytest.raises(Bad, match="entry 2 was altered: it is older"):
        ChainVerifier("acme", "x", KEYS).entries_of(entries({}, {}, change))


@pytest.mark.parametrize(
    "change",
    [{"root": "ab" * 32}, {"head": "ab" * 32}, {"before": "ab" * 32}, {"count": 2}, {"first": 1}, {"hour": 0}],
    ids=lambda change: next(iter(change)),
)
def test_a_signed_seal_that_does_not_sum_up_its_entries_is_found(change: dict[str, object]) -> None:
    rows, verifier = entries(*GOOD), ChainVerifier("acme", "x", KEYS)
    verifier.entries_of(rows)
    with pytest.raises(Bad):
        verifier.seal(sealed(rows, **change))


def test_an_anchor_that_was_not_met_on_the_way_is_no_proof() -> None:
    """The stretch begins after the entry that the anchor knows."""
    rows = entries(*GOOD)
    verifier = ChainVerifier("acme", "x", KEYS, Anchors((head(rows[:1]),)))
    verifier.entries_of(rows[1:])
    text = canonical.struct_text(head(rows))
    with pytest.raises(Bad, match="entry 0, which the anchor knows, is not part of this"):
        verifier.head(Signed(text, KEY.sign(text)))
