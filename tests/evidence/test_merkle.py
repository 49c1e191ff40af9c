"""The tree hash, against the definition in RFC 6962 and its known values."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from streams.evidence.merkle import EMPTY, Tree, leaf_hash


def defined(leaves: list[bytes]) -> bytes:
    """MTH as section 2.1 writes it: split at the largest power of two below the number of leaves."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\x01" + defined(leaves[:split]) + defined(leaves[split:])).digest()


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_the_root_is_that_of_the_definition(leaves: list[bytes]) -> None:
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf_hash(leaf))

    assert tree.root() == defined(leaves)
    assert len(tree) == len(leaves)


def test_known_values() -> None:
    """Of Certificate Transparency's reference tests."""
    assert EMPTY.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
