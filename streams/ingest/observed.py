"""Accepted metric events of a batch, as columns."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


class Observed(NamedTuple):
    """Columns of equal length. ``indexes`` are places in the batch, ascending; times are epoch ms."""

    indexes: NDArray[np.int64]
    series: NDArray[np.int64]
    sources: NDArray[np.int64]
    """Numbers of the CloudEvents sources in :class:`streams.ingest.ingest.Ingest`."""
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    ids: Any
    """The CloudEvents ids, an Arrow array of binary."""

    def some(self, chosen: NDArray[np.bool_]) -> "Observed":
        """The rows for which ``chosen`` is true."""
        if chosen.all():
            return self
        return self._at(np.flatnonzero(chosen))

    def _at(self, order: NDArray[np.intp]) -> "Observed":
        *arrays, ids = self
        return Observed(*(column[order] for column in arrays), ids.take(pa.array(order)))  # type: ignore[call-arg, arg-type]


def in_order(parts: Sequence[Observed]) -> Observed:
    """Several sets of rows as one, in the order of the batch."""
    if len(parts) == 1:
        return parts[0]
    *arrays, ids = zip(*parts, strict=True)
    joined = Observed(*map(np.concatenate, arrays), pa.concat_arrays(ids))  # type: ignore[call-arg]
    return joined._at(np.argsort(joined.indexes))
