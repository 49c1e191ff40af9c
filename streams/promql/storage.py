"""What the evaluator reads: series with their samples, chosen by label matchers."""

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from streams.promql.matcher import Matcher

STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
"""Prometheus' staleness marker: the NaN whose bits say "the series ended here"."""

_STALE_BITS = struct.pack("<d", STALE)


def is_stale(value: float) -> bool:
    """True for the staleness marker, false for every other value, ordinary NaN included."""
    return value != value and struct.pack("<d", value) == _STALE_BITS


class Series(Protocol):
    """One series: its identity and its samples."""

    @property
    def labels(self) -> Mapping[str, str]:
        """The label set, ``__name__`` included, without empty values."""

    def samples(self, start_ms: int, end_ms: int) -> tuple[Sequence[int], Sequence[float]]:
        """Timestamps (epoch ms, strictly ascending) and values in ``(start_ms, end_ms]``, stale markers included."""

    def latest(self, start_ms: int, end_ms: int) -> tuple[int, float] | None:
        """The last of them, for those who need no more; None when there are none."""


class Storage(Protocol):
    """A set of series.

    A storage may also have an integer attribute ``version`` that changes whenever a series appears or goes; what
    ``select`` returned is then reused until it does.
    """

    def select(self, matchers: Sequence[Matcher]) -> Iterable[Series]:
        """Every series whose labels satisfy all matchers, in any order."""
