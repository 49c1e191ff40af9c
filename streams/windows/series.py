"""Interning: a label set seen before costs one dictionary look-up, whatever it took to check it the first time."""

import re
from collections.abc import Hashable, Iterable, Mapping

import orjson

from streams.windows.panes import Kind, Series

_NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9_:]")


def rule_name(name: str) -> str:
    """A metric's name as rules see it: ``system.latency_ms`` is ``system_latency_ms``."""
    cleaned = _NOT_IN_A_NAME.sub("_", name)
    return f"_{cleaned}" if cleaned[:1].isdigit() else cleaned


def labels_text(labels: Mapping[str, str]) -> str:
    """Labels as the JSON text that is stored beside raw rows: sorted, so that equal sets have equal texts."""
    return orjson.dumps(labels, option=orjson.OPT_SORT_KEYS).decode()


class Pairs:
    """Labels, each there once in memory: most repeat from series to series."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[str, str]] = {}

    def shared(self, labels: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Equal labels, of pairs that others have too."""
        known = self._known
        return tuple(known.setdefault(pair, pair) for pair in labels)

    def forget(self) -> None:
        """Start again; what has been shared stays so."""
        self._known.clear()


class SeriesTable:
    """Numbers for (tenant, series) pairs, for as long as this worker lives.

    Back-pressure: past ``limit`` entries the table starts again; numbers never leave the worker, so that only costs
    the look-ups of what is still in use.
    """

    def __init__(self, limit: int = 1_000_000) -> None:
        self.limit = limit
        self.ids: dict[Hashable, int] = {}
        self.tenants: list[str] = []
        self.kinds: list[Kind] = []
        self.pane_ms: list[int] = []
        self.packed: list[bytes] = []
        """Each series, packed: :meth:`streams.windows.panes.Series.packed`."""

    def __len__(self) -> int:
        return len(self.packed)

    def intern(self, key: Hashable, tenant: str, name: str, kind: Kind, labels: Mapping[str, str], pane_ms: int) -> int:
        """The number of a series; ``key`` finds it the next time without its labels being looked at."""
        number = len(self)
        self.ids[key] = number
        self.tenants.append(tenant)
        self.kinds.append(kind)
        self.pane_ms.append(pane_ms)
        self.packed.append(Series(name, kind, tuple(sorted(labels.items())), pane_ms).packed())
        return number

    def start_batch(self) -> None:
        """Forget everything when the table has outgrown its limit; only between batches, when no number is in use."""
        if len(self) >= self.limit:
            for each in (self.ids, self.tenants, self.kinds, self.pane_ms, self.packed):
                each.clear()
