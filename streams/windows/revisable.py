"""Tumbling windows of many series: :mod:`streams.windows.tumbling`, by columns instead of cell by cell.

A window that is open is merged into; once closed it is packed, and what comes late is kept beside it. Rows are taken
when there is somewhere to put them: until then a window waits in its packed form, which is the smallest there is.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.windows.columns import Batch, Columns, Growing, combined, joined
from streams.windows.packed import pack, unpack

_WAITING_CELLS = 512
"""A batch costs numpy as much for one cell as for some hundred: so many are merged together."""

_NEVER = 1 << 62


class Key(NamedTuple):
    """A window: its length and its start, milliseconds."""

    size_ms: int
    start_ms: int

    @property
    def end_ms(self) -> int:
        """Exclusive."""
        return self.size_ms + self.start_ms


class WindowState(msgspec.Struct, array_like=True):
    """A window as it is kept in a snapshot."""

    size_ms: int
    start_ms: int
    reference: str
    """Where the packed form is kept; empty: in ``packed``."""
    packed: bytes
    """What was in the window when it closed; empty: it is open."""
    growing: bytes
    """Packed as well: what is in an open window, and what came late for a closed one."""
    unsent: bool
    changed: list[int]


class _Window:
    """One window of all series."""

    __slots__ = ("changed", "growing", "packed", "unsent")

    def __init__(self) -> None:
        self.growing = Growing()
        """All that came before it closed, or all that came late."""
        self.packed = b""
        """What was in it when it closed."""
        self.unsent = False
        """Of what is packed nothing has been taken."""
        self.changed: list[NDArray[np.uint32]] = []
        """Series for which something came late since their rows were taken."""

    def merge(self, batch: Batch) -> None:
        self.growing.merge(batch)
        if self.packed:
            self.changed.append(batch.cells["series"])

    def close(self) -> None:
        self.packed, self.growing, self.unsent = pack(self.growing.columns()), Growing(), True

    def take(self) -> Columns:
        before, late = unpack(self.packed), self.growing.columns()
        if not self.unsent:
            changed = np.unique(np.concatenate(self.changed))
            before, late = before.of(changed), late.of(changed)
        self.unsent, self.changed = False, []
        return combined(before, late) if len(late.cells) else before


class RevisableWindows:
    """The open and the recently closed windows of several sizes. Times in epoch milliseconds of event time."""

    def __init__(self, sizes_ms: Sequence[int], lateness_ms: int) -> None:
        self.sizes_ms = tuple(sizes_ms)
        self.lateness_ms = lateness_ms
        self.dropped: dict[int, int] = dict.fromkeys(self.sizes_ms, 0)
        """Observations that came too late, by window size."""
        self.revised: dict[int, int] = dict.fromkeys(self.sizes_ms, 0)
        """Observations that changed a window which was closed, by window size."""
        self._windows: dict[Key, _Window] = {}
        self._ready: set[Key] = set()
        self._due_ms = _NEVER
        """Before this there is nothing to close and nothing to forget."""
        self._waiting: list[tuple[int, Batch]] = []
        self._waiting_cells = 0

    def merge(self, batch: Batch, watermark_ms: int) -> None:
        """Add cells, each to every window that its pane is in."""
        starts, which = np.unique(batch.starts, return_inverse=True)
        counts = np.zeros(len(starts), np.int64)
        np.add.at(counts, which, batch.cells["count"])
        for start, count in zip(starts.tolist(), counts.tolist(), strict=True):
            self._judge(start, count, watermark_ms)
        self._waiting.append((watermark_ms, batch))
        self._waiting_cells += len(batch.cells)
        if self._waiting_cells >= _WAITING_CELLS:
            self._merge_waiting()

    def close(self, watermark_ms: int) -> None:
        """Close the windows that the watermark has passed, and forget those past lateness whose rows were taken."""
        if watermark_ms < self._due_ms:
            return
        self._merge_waiting()
        self._due_ms = _NEVER
        for key, window in list(self._windows.items()):
            due = key.end_ms if key.end_ms > watermark_ms else key.end_ms + self.lateness_ms
            if key.end_ms <= watermark_ms:
                if not window.packed:
                    window.close()
                if window.unsent or window.changed:
                    self._ready.add(key)
                elif due <= watermark_ms:
                    del self._windows[key]
                    continue
            self._due_ms = min(self._due_ms, due)

    @property
    def ready(self) -> int:
        """Of how many windows there are rows to take."""
        return len(self._ready)

    def take(self) -> Iterator[tuple[Key, Columns]]:
        """The new and changed rows of closed windows, a window at a time."""
        self._merge_waiting()
        for key in sorted(self._ready):
            self._ready.discard(key)
            yield key, self._windows[key].take()

    def oldest_ms(self) -> int:
        """When the oldest window that is kept starts; far ahead when there is none."""
        self._merge_waiting()
        return min((key.start_ms for key in self._windows), default=_NEVER)

    def __len__(self) -> int:
        """How many windows are kept, of all sizes."""
        return len(self._windows)

    def packed(self) -> dict[Key, bytes]:
        """The packed form of every closed window, which never changes."""
        return {key: window.packed for key, window in self._windows.items() if window.packed}

    def packed_bytes(self) -> int:
        """Of all packed forms."""
        return sum(len(window.packed) for window in self._windows.values())

    def snapshot(self, references: Mapping[Key, str]) -> list[WindowState]:
        """What :meth:`restore` needs; ``references`` to the packed forms that are kept elsewhere."""
        self._merge_waiting()
        return [
            WindowState(
                *key,
                references.get(key, ""),
                b"" if key in references else window.packed,
                pack(window.growing.columns()),
                window.unsent,
                np.concatenate(window.changed).tolist() if window.changed else [],
            )
            for key, window in self._windows.items()
        ]

    def restore(self, states: Sequence[WindowState], packed: Mapping[Key, bytes]) -> None:
        """Go on from a snapshot; ``packed`` has the windows that it refers to."""
        for state in states:
            key, window = Key(state.size_ms, state.start_ms), _Window()
            window.packed = packed[key] if state.reference else state.packed
            window.growing = Growing(unpack(state.growing))
            window.unsent = state.unsent
            window.changed = [np.array(state.changed, np.uint32)] if state.changed else []
            self._windows[key] = window
            if window.unsent or window.changed:
                self._ready.add(key)
            self._due_ms = min(self._due_ms, key.end_ms + self.lateness_ms if window.packed else key.end_ms)

    def _judge(self, at_ms: int, count: int, watermark_ms: int) -> None:
        for size in self.sizes_ms:
            end = at_ms - at_ms % size + size
            if end + self.lateness_ms <= watermark_ms:
                self.dropped[size] += count
                continue
            if end <= watermark_ms:
                self.revised[size] += count
            self._due_ms = min(self._due_ms, end)

    def _merge_waiting(self) -> None:
        if not self._waiting:
            return
        watermarks, batches = zip(*self._waiting, strict=True)
        self._waiting, self._waiting_cells = [], 0
        together = joined(batches)
        reached = np.repeat(np.array(watermarks, np.int64), [len(batch.starts) for batch in batches])
        for size in self.sizes_ms:
            begins = together.starts - together.starts % size
            wanted = begins + size + self.lateness_ms > reached
            for begin in np.unique(begins[wanted]).tolist():
                window = self._windows.setdefault(Key(size, begin), _Window())
                window.merge(together.some(wanted & (begins == begin)))
