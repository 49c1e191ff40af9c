"""What the evaluator reads: series with their samples, chosen by label matchers."""

import struct
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol, runtime_checkable

from streams.promql.index import Watch
from streams.promql.matcher import Matcher
from streams.promql.values import Labels

STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
"""Prometheus' staleness marker: the NaN whose bits say "the series ended here"."""

_STALE_BITS = struct.pack("<d", STALE)

FOREVER = 1 << 62
"""Later than any time."""


def is_stale(value: float) -> bool:
    """True for the staleness marker, false for every other value, ordinary NaN included."""
    return value != value and struct.pack("<d", value) == _STALE_BITS


class Ends(NamedTuple):
    """What a rate needs of the samples in a range: how many, the first, the last, and what resets took away."""

    number: int
    first_ms: int
    first: float
    last_ms: int
    last: float
    lost: float


def ends_of(timestamps: Sequence[int], values: Sequence[float]) -> Ends | None:
    """The ends of samples without stale markers; None without samples."""
    if not len(values):
        return None
    lost = sum((before for before, after in pairwise(values) if after < before), 0.0)
    return Ends(len(values), timestamps[0], values[0], timestamps[-1], values[-1], lost)


def without_stale(timestamps: Sequence[int], values: Sequence[float]) -> tuple[Sequence[int], Sequence[float]]:
    """The samples that are none."""
    checksum = sum(values)
    if checksum == checksum:
        return timestamps, values
    # A NaN is among them, or Inf - Inf: look closer.
    kept = [(time, value) for time, value in zip(timestamps, values, strict=True) if not is_stale(value)]
    return [time for time, _ in kept], [value for _, value in kept]


class Series(Protocol):
    """One series: its identity and its samples."""

    @property
    def labels(self) -> Labels:
        """The label set, ``__name__`` included, without empty values."""

    @property
    def spacing_ms(self) -> int:
        """How far apart samples stand that come by themselves, whether or not anything happens; 0: none do."""

    def samples(self, start_ms: int, end_ms: int) -> tuple[Sequence[int], Sequence[float]]:
        """Timestamps (epoch ms, strictly ascending) and values in ``(start_ms, end_ms]``, stale markers included."""

    def latest(self, start_ms: int, end_ms: int) -> tuple[int, float] | None:
        """The last of them, for those who need no more; None when there are none."""

    def ends(self, start_ms: int, end_ms: int) -> Ends | None:
        """Both ends of them, stale markers left out; None when there are none."""

    def next_sample(self, after_ms: int) -> int:
        """The earliest time at which there may be another sample after this one, as far as is known now."""

    def next_change(self, after_ms: int) -> int:
        """The earliest time at which such a sample may have another value than the one before it."""


class Storage(Protocol):
    """A set of series."""

    def select(self, matchers: Sequence[Matcher]) -> Iterable[Series]:
        """Every series whose labels satisfy all matchers, in any order."""


@runtime_checkable
class WatchableStorage(Protocol):
    """A storage that tells what happens to its series, so that what was evaluated can be kept until then."""

    def watch(self, matchers: tuple[Matcher, ...]) -> tuple[Collection[Series], Watch]:
        """The series that ``select`` gives as a view that follows what comes and goes, and what happens to them."""
