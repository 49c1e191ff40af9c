"""Tumbling windows of event time: folded, closed on the watermark, and revised when data is late.

A window is ``[start, start + size)``. It closes when the watermark passes its end, and each of its rows goes out
once; late data within the allowed lateness sends the row again with a higher version. Data later than that is
counted in ``dropped`` and changes nothing.
"""

from collections.abc import Hashable, Iterator, Sequence
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar


class Mergeable(Protocol):
    """What a window can hold: merging is associative."""

    count: int

    def merge(self, other: Any) -> None: ...
    def copy(self) -> Self: ...


K = TypeVar("K", bound=Hashable)
C = TypeVar("C", bound=Mergeable)


class Closed(NamedTuple, Generic[K, C]):
    """One row that is ready: the window, whose it is, and what is in it."""

    size_ms: int
    start_ms: int
    key: K
    cell: C


class _Slot(Generic[K, C]):
    """One window of all keys; ``changed`` are those not sent since they last changed."""

    __slots__ = ("cells", "changed")

    def __init__(self) -> None:
        self.cells: dict[K, C] = {}
        self.changed: set[K] = set()


class Windows(Generic[K, C]):
    """The open and the recently closed windows of several sizes."""

    def __init__(self, sizes_ms: Sequence[int], lateness_ms: int) -> None:
        self.sizes_ms = tuple(sizes_ms)
        self.lateness_ms = lateness_ms
        self.dropped: dict[int, int] = dict.fromkeys(self.sizes_ms, 0)
        """Observations that came too late, by window size."""
        self.revised: dict[int, int] = dict.fromkeys(self.sizes_ms, 0)
        """Observations that changed a window which was closed, by window size."""
        self._slots: dict[tuple[int, int], _Slot[K, C]] = {}

    def merge(self, key: K, at_ms: int, cell: C, watermark_ms: int) -> None:
        """Add ``cell``, whose pane starts at ``at_ms``, to every window that the pane is in."""
        for size in self.sizes_ms:
            start = at_ms - at_ms % size
            if start + size + self.lateness_ms <= watermark_ms:
                self.dropped[size] += cell.count
                continue
            if start + size <= watermark_ms:
                self.revised[size] += cell.count
            slot = self._slots.get((size, start))
            if slot is None:
                slot = self._slots[size, start] = _Slot()
            known = slot.cells.get(key)
            if known is None:
                slot.cells[key] = cell.copy()
            else:
                known.merge(cell)
            slot.changed.add(key)

    def close(self, watermark_ms: int) -> Iterator[Closed[K, C]]:
        """The new and changed rows of windows that the watermark has passed; forgets what is past lateness."""
        for size, start in sorted(self._slots):
            if start + size > watermark_ms:
                continue
            slot = self._slots[size, start]
            changed, slot.changed = slot.changed, set()
            for key in changed:
                yield Closed(size, start, key, slot.cells[key])
            if start + size + self.lateness_ms <= watermark_ms:
                del self._slots[size, start]

    def __len__(self) -> int:
        """How many windows are kept, of all sizes."""
        return len(self._slots)

    def snapshot(self) -> list[tuple[int, int, list[tuple[K, C, bool]]]]:
        """What :meth:`restore` needs: (size, start, [(key, cell, not sent since it changed)])."""
        return [
            (size, start, [(key, cell, key in slot.changed) for key, cell in slot.cells.items()])
            for (size, start), slot in self._slots.items()
        ]

    def restore(self, snapshot: list[tuple[int, int, list[tuple[K, C, bool]]]]) -> None:
        """Go on from a snapshot."""
        for size, start, cells in snapshot:
            slot: _Slot[K, C] = _Slot()
            slot.cells = {key: cell for key, cell, _ in cells}
            slot.changed = {key for key, _, changed in cells if changed}
            self._slots[size, start] = slot
