"""Merkle tree hashes by RFC 6962, section 2.1: SHA-256, where a first byte tells leaves and nodes apart."""

from hashlib import sha256

EMPTY = sha256().digest()
"""The root of a tree without leaves."""

Peak = tuple[int, bytes]
"""A complete subtree: how many leaves it has (a power of two), and its hash."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over two subtrees."""
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that grows by leaves at its right. It holds the hashes of its complete subtrees alone: log2(n) of them."""

    def __init__(self, peaks: list[Peak] | None = None) -> None:
        self.peaks: list[Peak] = peaks or []

    def add(self, leaf: bytes) -> None:
        """Add a leaf by its hash."""
        size, peaks = 1, self.peaks
        while peaks and peaks[-1][0] == size:
            leaf = node_hash(peaks.pop()[1], leaf)
            size *= 2
        peaks.append((size, leaf))

    def __len__(self) -> int:
        return sum(size for size, _ in self.peaks)

    def root(self) -> bytes:
        """The tree's hash; :data:`EMPTY` without leaves."""
        if not self.peaks:
            return EMPTY
        root = self.peaks[-1][1]
        for _, peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root
