"""The series of one tenant, each known by a number: what is kept of a series is kept once."""

from collections.abc import Callable
from sys import intern
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.windows.panes import Kind, Series
from streams.windows.series import Pairs, labels_text

OVERFLOW = (("__overflow__", "true"),)
"""Labels of the one series a metric's observations go to when its tenant has too many series."""

OVERFLOW_NAMES = 1_000
"""Metrics that get an overflow series of their own; those of further ones share the metric ``__overflow__``."""


class Described(NamedTuple):
    """A series as the table ``windows`` has it; ``labels`` are the further ones, as JSON text."""

    name: str
    service: str
    labels: str
    kind: Kind


_NOTHING = Described("", "", "", "gauge")


class CatalogueState(msgspec.Struct, array_like=True):
    """A catalogue as it is kept in a snapshot."""

    series: list[Series | None]
    latest_ms: list[int]


class Catalogue:
    """Numbers for series, for as long as windows hold them; then a number goes to another series.

    ``limit``: most series; observations of further ones go to overflow series. ``watched``: whether anything but
    windows wants to see a series.
    """

    def __init__(self, limit: int, watched: Callable[[Series], bool]) -> None:
        self.limit = limit
        self.series: list[Series | None] = []
        """By number; None: the number is free."""
        self.described: list[Described] = []
        """By number; of a free number, of the series that had it last."""
        self.watched: list[bool] = []
        """By number."""
        self.overflowing: set[int] = set()
        """Numbers of overflow series."""
        self._is_watched = watched
        self._numbers: dict[bytes, int] = {}
        """By the packed form of a series."""
        self._free: list[int] = []
        self._pairs = Pairs()
        self._latest_ms = np.zeros(0, np.int64)

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, packed: bytes) -> int:
        """The number of a series, by its packed form, or of the overflow series that stands for it."""
        number = self._numbers.get(packed)
        if number is not None:
            return number
        series = Series.unpacked(packed)
        if len(self._numbers) - len(self.overflowing) < self.limit:
            return self._admit(packed, series)
        name = series.name if len(self.overflowing) < OVERFLOW_NAMES else "__overflow__"
        instead = msgspec.structs.replace(series, name=name, labels=OVERFLOW)
        packed = instead.packed()
        number = self._numbers.get(packed)
        if number is None:
            number = self._admit(packed, instead)
            self.overflowing.add(number)
        return number

    def seen(self, numbers: NDArray[np.int64], starts: NDArray[np.int64]) -> None:
        """Panes that start at ``starts`` (epoch ms) have come of these series."""
        if len(self._latest_ms) < len(self.series):
            more = max(len(self.series) - len(self._latest_ms), len(self._latest_ms))
            self._latest_ms = np.concatenate((self._latest_ms, np.zeros(more, np.int64)))
        np.maximum.at(self._latest_ms, numbers, starts)

    def forget(self, before_ms: int) -> None:
        """Forget the series of which no pane has come that starts at ``before_ms`` or later."""
        known = self._latest_ms[: len(self.series)]
        for number in np.flatnonzero(known < before_ms).tolist():
            series = self.series[number]
            if series is not None:
                del self._numbers[series.packed()]
                self.series[number] = None
                self.overflowing.discard(number)
                self._free.append(number)
                self._pairs.forget()

    def snapshot(self) -> CatalogueState:
        """What :meth:`restore` needs."""
        return CatalogueState(list(self.series), self._latest_ms[: len(self.series)].tolist())

    def restore(self, state: CatalogueState) -> None:
        """Go on from a snapshot."""
        for series in state.series:
            number = self._new_number()
            if series is None:
                self._free.append(number)
                continue
            self._put(number, series.packed(), series)
            if series.labels == OVERFLOW:
                self.overflowing.add(number)
        self._latest_ms = np.array(state.latest_ms, np.int64)

    def _admit(self, packed: bytes, series: Series) -> int:
        number = self._free.pop() if self._free else self._new_number()
        labels = self._pairs.shared(series.labels)
        self._put(number, packed, Series(intern(series.name), series.kind, labels, series.pane_ms))
        return number

    def _new_number(self) -> int:
        self.series.append(None)
        self.described.append(_NOTHING)
        self.watched.append(False)
        return len(self.series) - 1

    def _put(self, number: int, packed: bytes, series: Series) -> None:
        labels = dict(series.labels)
        service = labels.pop("service", "")
        self.series[number] = series
        self.described[number] = Described(series.name, service, labels_text(labels), series.kind)
        self.watched[number] = self._is_watched(series)
        self._numbers[packed] = number
