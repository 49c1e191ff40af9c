"""Accepted metric events of a batch, as columns."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Observed(NamedTuple):
    """Columns of equal length. ``indexes`` are places in the batch, ascending; times are epoch ms."""

    indexes: NDArray[np.int64]
    series: NDArray[np.int64]
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    ids: list[str]
    sources: list[str]

    def some(self, chosen: NDArray[np.bool_]) -> "Observed":
        """The rows for which ``chosen`` is true."""
        if chosen.all():
            return self
        return self._at(np.flatnonzero(chosen))

    def _at(self, order: NDArray[np.intp]) -> "Observed":
        arrays = (column[order] for column in self[:4])
        texts = ([column[i] for i in order.tolist()] for column in self[4:])
        return Observed(*arrays, *texts)  # type: ignore[arg-type] # four arrays and two lists


def in_order(parts: Sequence[Observed]) -> Observed:
    """Several sets of rows as one, in the order of the batch."""
    if len(parts) == 1:
        return parts[0]
    arrays = (np.concatenate(columns) for columns in zip(*(part[:4] for part in parts), strict=True))
    texts = ([text for column in columns for text in column] for columns in zip(*(p[4:] for p in parts), strict=True))
    joined = Observed(*arrays, *texts)  # type: ignore[arg-type] # four arrays and two lists
    return joined._at(np.argsort(joined.indexes))
