"""Texts as places in one buffer: the values of records, without an object for each of them."""

from collections.abc import Iterator, Sequence
from typing import Any, Self, overload

import numpy as np
from numpy.typing import NDArray


class Texts(Sequence[bytes | None]):
    """Text ``i`` is ``data[starts[i]:ends[i]]``; one that ends before it starts is None. Starts ascend."""

    __slots__ = ("data", "ends", "starts")

    def __init__(self, data: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> None:
        self.data = data
        self.starts = starts
        self.ends = ends

    @classmethod
    def of(cls, values: Sequence[bytes | None]) -> "Texts":
        """The same texts side by side in one buffer."""
        if isinstance(values, Texts):
            return values
        lengths = np.fromiter((-1 if value is None else len(value) for value in values), np.int64, len(values))
        ends = np.cumsum(np.maximum(lengths, 0))
        return cls(b"".join(filter(None, values)), ends - np.maximum(lengths, 0), np.where(lengths < 0, -1, ends))

    def some(self, chosen: Any) -> Self:
        """Those at the given places, or for which a mask is true; the buffer is shared."""
        return type(self)(self.data, self.starts[chosen], self.ends[chosen])

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Bytes of each; negative for None."""
        return self.ends - self.starts

    @property
    def size_bytes(self) -> int:
        """Bytes of all of them."""
        return int(np.maximum(self.lengths, 0).sum())

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[bytes | None]:
        data = self.data
        for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True):
            yield data[start:end] if end >= start else None

    @overload
    def __getitem__(self, at: int) -> bytes | None: ...
    @overload
    def __getitem__(self, at: slice) -> Self: ...
    def __getitem__(self, at: int | slice) -> bytes | Self | None:
        if isinstance(at, slice):
            return self.some(at)
        start, end = int(self.starts[at]), int(self.ends[at])
        return self.data[start:end] if end >= start else None


def joined(parts: Sequence[Sequence[bytes | None]]) -> Texts:
    """Several sequences of texts as one, in one buffer."""
    laid = [Texts.of(part) for part in parts]
    if len(laid) == 1:
        return laid[0]
    shifts = np.cumsum([0] + [len(part.data) for part in laid[:-1]])
    starts = np.concatenate([part.starts + shift for part, shift in zip(laid, shifts, strict=True)])
    ends = np.concatenate([part.ends + shift for part, shift in zip(laid, shifts, strict=True)])
    return Texts(b"".join(part.data for part in laid), starts, ends)
