"""Exponential histograms: mergeable distributions with a bounded relative error.

The mapping is OpenTelemetry's (data model, "ExponentialHistogram"): with ``base = 2 ** (2 ** -scale)`` bucket ``i``
holds the values in ``(base ** i, base ** (i + 1)]``. At scale 6 the midpoint of a bucket is within 0.55 % of every
value in it, so a percentile is too. Merging adds counts, hence it is associative, commutative and exact.
"""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SCALE = 6
_PER_DOUBLING = 2**SCALE
RELATIVE_ERROR = 2 ** (2**-SCALE) / 2 - 0.5
"""Half the width of a bucket over its lower bound: an upper bound of the relative error of :func:`quantile`."""

Buckets = dict[int, int]


def indexes(values: NDArray[np.float64]) -> NDArray[np.int32]:
    """The bucket of the magnitude of each value; undefined for zeros."""
    with np.errstate(divide="ignore"):
        found: NDArray[np.int32] = (np.ceil(np.log2(np.abs(values)) * _PER_DOUBLING) - 1).astype(np.int32)
    return found


def add(into: Buckets, counts: Mapping[int, int]) -> None:
    """Merge ``counts`` into ``into``."""
    get = into.get
    for index, count in counts.items():
        into[index] = get(index, 0) + count


def bounds(index: int) -> tuple[float, float]:
    """Lower (exclusive) and upper (inclusive) bound of a bucket."""
    return 2.0 ** (index / _PER_DOUBLING), 2.0 ** ((index + 1) / _PER_DOUBLING)


@lru_cache(maxsize=16_384)
def midpoint(index: int) -> float:
    """The value that stands for a bucket."""
    low, high = bounds(index)
    return (low + high) / 2


def quantiles(
    at: tuple[float, ...], positive: Buckets, negative: Buckets, zeros: int, low: float, high: float
) -> list[float]:
    """The nearest-rank quantiles (0 < q <= 1) of a distribution, kept within its ``low`` and ``high``."""
    ordered = [(-midpoint(i), negative[i]) for i in sorted(negative, reverse=True)]
    if zeros:
        ordered.append((0.0, zeros))
    ordered += [(midpoint(i), positive[i]) for i in sorted(positive)]
    total = sum(count for _, count in ordered)
    found: list[float] = []
    for q in at:
        rank, seen = q * total, 0
        for value, count in ordered:
            seen += count
            if seen >= rank:
                found.append(min(max(value, low), high))
                break
    return found


def count_at_most(bound: float, positive: Buckets, negative: Buckets, zeros: int) -> int:
    """How many values are at most ``bound``, counting each bucket by its midpoint: a Prometheus ``le`` bucket."""
    below = sum(count for index, count in negative.items() if -midpoint(index) <= bound)
    if bound >= 0:
        below += zeros
    return below + sum(count for index, count in positive.items() if midpoint(index) <= bound)
