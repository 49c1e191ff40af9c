"""A column whose values are made when they are asked for, some at a time: it waits as what they are made of."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

_TOGETHER = 1_000
"""Values that are made together: what is made of more would not stay close to the processor."""

Make = Callable[[NDArray[np.intp]], Sequence[Any]]
"""Makes the values of the given rows."""


class Lazy(Sequence[Any]):
    """Value ``i`` is that of row ``rows[i]``. Nothing is kept: who asks twice has it made twice."""

    def __init__(self, make: Make, rows: NDArray[np.intp]) -> None:
        self.make = make
        self.rows = rows

    @classmethod
    def of(cls, values: Sequence[Any]) -> "Lazy":
        """Values that may be made already."""
        if isinstance(values, Lazy):
            return values
        return cls(lambda rows: list(map(values.__getitem__, rows.tolist())), np.arange(len(values)))

    def some(self, chosen: Any) -> "Lazy":
        """Those at the given places."""
        return Lazy(self.make, self.rows[chosen])

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Any]:
        for begin in range(0, len(self.rows), _TOGETHER):
            yield from self.make(self.rows[begin : begin + _TOGETHER])

    @overload
    def __getitem__(self, at: int) -> Any: ...
    @overload
    def __getitem__(self, at: slice) -> "Lazy": ...
    def __getitem__(self, at: int | slice) -> Any:
        return self.some(at) if isinstance(at, slice) else self.make(self.rows[[at]])[0]


def joined(columns: Sequence[Sequence[Any]]) -> Lazy:
    """Several columns as one."""
    parts = list(map(Lazy.of, columns))
    begins = np.cumsum([0, *map(len, parts)])

    def make(rows: NDArray[np.intp]) -> Sequence[Any]:
        made: list[Any] = [None] * len(rows)
        owners = np.searchsorted(begins, rows, "right") - 1
        for owner in np.unique(owners).tolist():
            mine = np.flatnonzero(owners == owner)
            part = parts[owner].some(rows[mine] - begins[owner])
            for place, value in zip(mine.tolist(), part, strict=True):
                made[place] = value
        return made

    return Lazy(make, np.arange(begins[-1]))
