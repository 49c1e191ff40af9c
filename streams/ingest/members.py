"""Where records say who, when and which, wherever in them that stands: found by quotation marks, for a whole batch.

In JSON without a backslash, quotation marks open and close texts in turn. So the texts of a record are known without
reading it, and a member with a text is one that is followed by a colon and the next. What is found may be anything that
looks so, as deep as it likes: what it means is proven by whoever learns from it (:mod:`streams.ingest.repeated`).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from streams.ingest.cutting import binary
from streams.texts import Texts

_QUOTE, _BACKSLASH, _COLON = b'"\\:'
_PIECE = 1_000
"""Records that are looked at together: what is found of more would not stay close to the processor."""

_NEAR = 3
"""Bytes from the end of a member's name to its text, at most: a colon, a space and the quotation mark."""

_PLAIN = np.ones(256, dtype=bool)
_PLAIN[[*range(0x20), *range(0x80, 0x100)]] = False
"""Bytes that stand for themselves between quotation marks."""


class Gaps(NamedTuple):
    """The texts of some members in some records. A text that is empty or not there ends where it starts."""

    texts: Texts
    """The records in which members were found, none twice."""
    rows: NDArray[np.int64]
    """Their places among those that were looked at."""
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    """By record and member, places in the buffer of ``texts``."""

    def some(self, chosen: NDArray[np.intp]) -> "Gaps":
        """The records at the given places."""
        if len(chosen) == len(self.rows):
            return self
        return Gaps(self.texts.some(chosen), self.rows[chosen], self.starts[chosen], self.ends[chosen])

    def closed(self, member: int, which: NDArray[np.bool_]) -> "Gaps":
        """The same, but for records ``which``, whose text of a member is no gap: it stays where it is."""
        starts, ends = self.starts.copy(), self.ends.copy()
        starts[which, member] = ends[which, member] = self.texts.ends[which]
        return self._replace(starts=starts, ends=ends)

    def open(self) -> NDArray[np.int64]:
        """For each record a number, which has a bit for each member with a text."""
        bits: NDArray[np.int64] = ((self.ends > self.starts) << np.arange(self.starts.shape[1])).sum(axis=1)
        return bits

    def of(self, member: int) -> Any:
        """The text of a member in each record, as an Arrow array of binary."""
        edges = np.empty((len(self.rows), 2), np.int32)
        edges[:, 0], edges[:, 1] = self.starts[:, member], self.ends[:, member]
        return binary(max(edges.size - 1, 0), edges, self.texts.data).take(pa.array(np.arange(0, edges.size, 2)))

    def around(self) -> Any:
        """What is around the gaps of each record, joined, as an Arrow array of binary."""
        count, members = self.starts.shape
        edges = np.empty((count, 2 * members + 2), np.int32)
        edges[:, 0], edges[:, -1] = self.texts.starts, self.texts.ends
        edges[:, 1:-1:2], edges[:, 2:-1:2] = np.sort(self.starts, axis=1), np.sort(self.ends, axis=1)
        pieces = np.arange(count)[:, None] * edges.shape[1] + np.arange(0, edges.shape[1], 2)
        parts = binary(max(edges.size - 1, 0), edges, self.texts.data).take(pa.array(pieces.ravel()))
        _, offsets, data = parts.buffers()
        ends = np.frombuffer(offsets, np.int32, len(parts) + 1)
        return binary(count, np.ascontiguousarray(ends[:: members + 1]), data)


def gaps(texts: Texts, members: Sequence[bytes]) -> Gaps:
    """Where each of ``members`` has its text. Left out: records with a backslash, or with a member more than once."""
    if 2 * texts.size_bytes < len(texts.data):
        texts = Texts.of(list(texts))
    parts = [_gaps(texts[begin : begin + _PIECE], members) for begin in range(0, max(len(texts), 1), _PIECE)]
    if len(parts) == 1:
        return parts[0]
    starts, ends = (np.concatenate([part[at] for part in parts]) for at in (2, 3))
    rows = np.concatenate([part.rows + at * _PIECE for at, part in enumerate(parts)])
    return Gaps(texts.some(rows), rows, starts, ends)


def _gaps(texts: Texts, members: Sequence[bytes]) -> Gaps:
    read = np.frombuffer(texts.data, np.uint8)
    rows, marks, counts = _marks(read, texts)
    texts = texts.some(rows)
    opens, closes = np.ascontiguousarray(marks[::2]), np.ascontiguousarray(marks[1::2])
    owner = np.repeat(np.arange(len(rows)), counts // 2)
    keys = np.flatnonzero(opens[1:] - closes[:-1] <= _NEAR)
    keys = keys[_begins(members)[read[opens[keys] + 1]]]
    keys = keys[read[closes[keys] + 1] == _COLON]
    lengths = closes[keys] - opens[keys] - 1
    starts, ends = np.tile(texts.ends, (2, len(members), 1))
    once = np.ones(len(rows), dtype=bool)
    for number, member in enumerate(members):
        found = keys[lengths == len(member)]
        found = found[_any_of(read, len(member))[opens[found] + 1] == member]
        found = found[owner[found] == owner[found + 1]]
        places = owner[found]
        starts[number][places], ends[number][places] = opens[found + 1] + 1, closes[found + 1]
        once &= np.bincount(places, minlength=len(rows)) < 2
    empty = starts == ends
    starts, ends = (np.where(empty, texts.ends, each) for each in (starts, ends))
    found_in = Gaps(texts, rows, starts.T, ends.T)
    return found_in if once.all() else found_in.some(np.flatnonzero(once))


def _any_of(read: NDArray[np.uint8], length: int) -> NDArray[np.bytes_]:
    """All texts of a length, at whatever byte they begin; nothing is copied."""
    return np.ndarray((max(len(read) - length + 1, 0),), f"S{length}", read, strides=(1,))


def _begins(members: Sequence[bytes]) -> NDArray[np.bool_]:
    """For each byte, whether a member begins with it."""
    begins = np.zeros(256, dtype=bool)
    begins[[member[0] for member in members]] = True
    return begins


def _marks(read: NDArray[np.uint8], texts: Texts) -> tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.int64]]:
    """Records whose quotation marks come in pairs: which ones, all their marks, and how many each has."""
    begin, end = int(texts.starts.min(initial=len(read))), int(texts.ends.max(initial=0))
    own = read[begin:end]
    marks = np.flatnonzero(own == _QUOTE) + begin
    first = np.searchsorted(marks, texts.starts)
    counts = np.searchsorted(marks, texts.ends) - first
    paired = (counts > 0) & (counts % 2 == 0)
    if texts.data.find(_BACKSLASH, begin, end) >= 0:
        slashes = np.flatnonzero(own == _BACKSLASH) + begin
        paired &= np.searchsorted(slashes, texts.starts) == np.searchsorted(slashes, texts.ends)
    rows = np.flatnonzero(paired)
    first, counts = first[rows], counts[rows]
    if counts.sum() < len(marks):  # between the records are bytes of Kafka's, and other records
        marks = marks[np.repeat(first - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())]
    return rows, marks, counts


def unfit(texts: Any, longest: int) -> NDArray[np.intp]:
    """The places of texts that JSON would not allow between quotation marks, or longer than so many bytes."""
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int32, len(texts) + 1)
    found = np.flatnonzero(np.diff(ends) > longest)
    odd = np.flatnonzero(~_PLAIN[np.frombuffer(data, np.uint8)]) if data else ()
    if not len(odd):
        return found
    doubtful = np.unique(np.searchsorted(ends, odd, "right") - 1)
    bad = [at for at in doubtful.tolist() if not _is_text(texts[at].as_py())]
    return np.union1d(found, np.array(bad, dtype=np.int64))


def _is_text(value: bytes) -> bool:
    try:
        return min(value.decode()) >= " "
    except UnicodeDecodeError:
        return False
