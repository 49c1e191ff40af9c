"""The records of one of Kafka's record batches as columns: where the values are, without an object for each.

Format: https://kafka.apache.org/documentation/#record (magic 2), once it is decompressed. Where a record begins depends
on where the one before ends, which would make it a loop; but every record begins with its length and a byte 0, and
ends, when it has no headers, with a byte 0 too. So places that look like a beginning are found first, all at once, and
then it is checked that they are a chain from the first byte to the last with as many links as there are records: then
they are the beginnings, by induction, whatever the values contain.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.texts import Texts

_LONGEST_VARINT = 10
_LONGEST_LENGTH = 5
"""Bytes."""


class Framed(NamedTuple):
    """Columns of equal length; the deltas count from what the header of the batch says."""

    values: Texts
    offset_deltas: NDArray[np.int64]
    timestamp_deltas: NDArray[np.int64]


def framed(data: bytes, count: int) -> Framed | None:
    """The ``count`` records in ``data``; None when they must be read one by one: with headers, or oddly written."""
    if not count or not data:
        return None
    read = np.frombuffer(data, np.uint8)
    starts = _likely_starts(read)
    lengths, bodies = varints(read, starts)
    ends = bodies + lengths
    if len(starts) != count or starts[0] or ends[-1] != len(data) or (ends[:-1] != starts[1:]).any():
        return None
    timestamp_deltas, at = varints(read, bodies + 1)  # after the attributes
    offset_deltas, at = varints(read, at)
    key_lengths, at = varints(read, at)
    value_lengths, begins = varints(read, at + np.maximum(key_lengths, 0))
    stops = begins + np.maximum(value_lengths, 0)
    if (stops != ends - 1).any() or read[stops].any():
        return None
    return Framed(Texts(data, begins, np.where(value_lengths < 0, -1, stops)), offset_deltas, timestamp_deltas)


def _likely_starts(read: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Places after a byte 0 that are followed, a few bytes later, by the next byte 0."""
    zeros = np.flatnonzero(read == 0)
    ends = np.concatenate(([-1], zeros[:-1]))
    apart = zeros - ends
    return ends[(apart > 1) & (apart <= _LONGEST_LENGTH + 1)] + 1


def varints(read: NDArray[np.uint8], at: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The zigzag-encoded numbers that begin at the given places, and where each ends. Beyond the end are zeros."""
    byte = read.take(at, mode="clip").astype(np.int64)
    found, at, shift = byte & 0x7F, at + 1, 7
    more = byte > 0x7F
    while shift < 7 * _LONGEST_VARINT and more.any():
        byte = read.take(at, mode="clip").astype(np.int64) * more
        found |= (byte & 0x7F) << shift
        at = at + more
        more = byte > 0x7F
        shift += 7
    return (found >> 1) ^ -(found & 1), at
