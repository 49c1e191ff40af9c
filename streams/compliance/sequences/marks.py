"""That an event is a step of a sequence: what travels to the tenant's shard, and what is remembered there."""

import msgspec

from streams.batch import Partition


class About(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a verdict says of its event."""

    service: str
    event_type: str
    event_id: str
    digest: bytes
    """SHA-256 of the value of its record."""


class Mark(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An event that is a step of a policy."""

    policy: int
    """Of the policies of its record."""
    key: bytes
    """A pseudonym of what the events of a sequence have in common."""
    time_ms: int
    steps: tuple[int, ...]
    """Ascending."""
    offset: int
    about: About | None
    """None when it can only be a step on the way."""


class Marks(msgspec.Struct, frozen=True, array_like=True, tag=6, kw_only=True):
    """What offsets ``first`` to ``last`` of one source partition hold of one tenant's sequences.

    They are cut into records of at most some hundred kilobytes, numbered downwards from ``part`` -1: so they share what
    a shard remembers of the deltas of the same offsets, whose parts are counted from 0 on.
    """

    tenant: str
    source: Partition
    incarnation: str
    first: int
    last: int
    part: int
    policies: list[tuple[str, str]]
    """Id and form of each."""
    marks: list[Mark]


class Witness(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """The event that a violation is about, and where its record is."""

    digest: bytes
    source: Partition
    incarnation: str
    offset: int
    service: str
    event_type: str
    event_id: str


class Seen(msgspec.Struct, array_like=True, gc=False):
    """A mark that is remembered."""

    time_ms: int
    steps: tuple[int, ...]
    witness: Witness | None
    reported: bool = False

    @property
    def order(self) -> tuple[int, tuple[int, ...], bool, Witness | None]:
        """Where it stands among those of its key; it does not depend on when or in which partition it came."""
        return self.time_ms, self.steps, self.witness is not None, self.witness
