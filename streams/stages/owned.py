"""A partition of events as the worker that owns it sees it: what was read, what is declared, what waits to be inserted.

A *batch* is inserted at once, under one token. It grows round by round: each adds a *part*, declares the batch anew,
and sends what the windows need of that part. So windows and alerts do not wait for an insert, and ClickHouse gets few
large ones. Once its insert has begun, a batch grows no more.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from streams.batch import Partition, Position, RecordBatch, Rows, concatenated
from streams.ingest.ingest import Ingested
from streams.stages.protocol import Declared, join, split

MOST_PARTS = 100
"""Of a batch: they are listed in the metadata of its offset, which Kafka limits to 4096 bytes."""


class Taken(NamedTuple):
    """Records of one partition for a round, in one piece or, in doubt, in those in which a predecessor folded them."""

    pieces: list[RecordBatch]
    wall_ms: int
    doubt: Declared | None


class Part(NamedTuple):
    """What a round adds to a batch."""

    pieces: list[tuple[RecordBatch, Ingested]]
    wall_ms: int
    """With which they were folded: the clock when the batch was begun."""
    seen_ms: int
    """The clock of the worker that read the records first."""
    doubt: Declared | None

    @property
    def partition(self) -> Partition:
        """Where its records are from."""
        return self.pieces[0][0].partition

    @property
    def last(self) -> int:
        """Its last offset."""
        return self.pieces[-1][0].offsets[-1]

    @property
    def high_ms(self) -> int:
        """The highest event time among them; 0 when none was accepted."""
        return max(ingested.high_ms for _, ingested in self.pieces)


class Batch:
    """What is declared of a partition and not inserted yet. ``due`` is when its insert may wait no longer."""

    def __init__(self, part: Part, due: float) -> None:
        first = part.pieces[0][0].offsets[0]
        self.extent = part.doubt or Declared(first, part.last, part.wall_ms)
        self.doubtful = part.doubt is not None
        self.declared = False
        """The extent is committed as it is now: nothing else may be inserted."""
        self.closed = False
        """Its insert has begun."""
        self.pieces = list(part.pieces)
        self._due = due

    def grow(self, part: Part) -> None:
        """Take in the next part."""
        self.extent = self.extent.grown(part.last)
        self.declared = False
        self.pieces += part.pieces

    @property
    def partition(self) -> Partition:
        """Where its records are from."""
        return self.pieces[0][0].partition

    @property
    def records(self) -> int:
        """How many."""
        return sum(len(batch.values) for batch, _ in self.pieces)

    @property
    def size_bytes(self) -> int:
        """Of the records, as they are buffered."""
        return sum(batch.size_bytes for batch, _ in self.pieces)

    def is_due(self, now: float, enough: int) -> bool:
        """Whether it is to be inserted now: it is old or large enough, or a predecessor may have begun to."""
        large = self.records >= enough or len(self.pieces) >= MOST_PARTS
        return self.declared and not self.closed and (self.doubtful or large or now >= self._due)

    def tables(self) -> dict[str, Rows]:
        """Its rows, of every table that has some."""
        found: dict[str, list[Rows]] = {}
        for _, ingested in self.pieces:
            for table, rows in ingested.raw.items():
                found.setdefault(table, []).append(rows)
        return {table: concatenated(parts) for table, parts in found.items()}


class Owned:
    """What this worker knows of a partition it owns. Instants are seconds of a clock that never goes back."""

    def __init__(self, in_doubt: Declared | None, now: float) -> None:
        self.in_doubt = in_doubt
        self.pending: deque[RecordBatch] = deque()
        self.received = -1
        """The next offset that is new."""
        self.batch: Batch | None = None
        """What is declared and not inserted yet."""
        self.stored: int | None = None
        """Where to read on once everything written is acknowledged; None when nothing waits for that."""
        self.quiet_since = now
        self._looked = -1
        """Where the consumer stood when it was looked at last."""

    def offer(self, batch: RecordBatch, now: float) -> int:
        """Take a batch, less what was taken before: a seek delivers records again. How many bytes were new."""
        if batch.offsets[0] < self.received:
            _, rest = split(batch, bisect_right(batch.offsets, self.received - 1))
            if rest is None:
                return 0
            batch = rest
        self.pending.append(batch)
        self.received = batch.next_offset
        self.quiet_since = now
        return batch.size_bytes

    def take(self, limit: int, wall_ms: int) -> Taken | None:
        """The next records to fold, so many that a batch holds at most ``limit``; None when they have to wait."""
        if not self.pending:
            return None
        if self.in_doubt is not None:
            return self._take_doubtful(self.in_doubt, limit, wall_ms)
        growing = self.growing
        if growing is not None:
            limit, wall_ms = limit - growing.records, growing.extent.wall_ms
        first, rest = split(join(self.pending), limit)
        self.pending = deque([rest] if rest else [])
        return Taken([first], wall_ms, None)

    def _take_doubtful(self, doubt: Declared, limit: int, wall_ms: int) -> Taken | None:
        """What a predecessor declared, cut as it did; None while not all of it has come."""
        batch = join(self.pending)
        if batch.next_offset <= doubt.last:
            return None
        self.in_doubt = None
        pieces, rest = _cut(batch, doubt.cuts())
        self.pending = deque([rest] if rest else [])
        if not pieces:
            return self.take(limit, wall_ms)  # what was declared is gone from the topic
        return Taken(pieces, doubt.wall_ms, doubt)

    @property
    def growing(self) -> Batch | None:
        """The batch that takes more."""
        return self.batch if self.batch is not None and not self.batch.closed else None

    def add(self, part: Part, due: float) -> Batch:
        """A part that was folded becomes a batch, or makes one grow, which is to be declared then."""
        growing = self.growing
        if growing is None:
            growing = self.batch = Batch(part, due)
        else:
            growing.grow(part)
        self.stored = None
        return growing

    def stored_to(self, position: int) -> int:
        """The first offset that is not stored yet, when the consumer stands at ``position``."""
        return self.batch.extent.first if self.batch is not None else self.stored or position

    def is_found_idle(self, position: Position, now: float, quiet: float) -> bool:
        """Look at it: whether it was read to its end, and nothing has come for ``quiet`` seconds.

        What the broker said longer ago than that is worth nothing: who has no room, or was frozen, does not ask. What
        the consumer has taken since the look before may still be on its way to here.
        """
        before, self._looked = self._looked, position.offset
        at_end = position.offset >= position.end and not self.pending and self.in_doubt is None
        return (
            at_end
            and position.offset == before
            and position.age < quiet
            and now - position.age - self.quiet_since >= quiet
        )

    def inserted(self, batch: Batch) -> None:
        """A batch is stored."""
        self.batch, self.stored = None, batch.pieces[-1][0].next_offset


def _cut(batch: RecordBatch, lasts: Iterable[int]) -> tuple[list[RecordBatch], RecordBatch | None]:
    """The pieces that end at these offsets, those that hold something, and the rest."""
    pieces: list[RecordBatch] = []
    rest: RecordBatch | None = batch
    for last in lasts:
        count = bisect_right(rest.offsets, last) if rest is not None else 0
        if rest is not None and count:
            piece, rest = split(rest, count)
            pieces.append(piece)
    return pieces, rest
