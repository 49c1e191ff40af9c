"""The point in time at which an expression is evaluated, and what it is evaluated over."""

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from streams.promql.matcher import Matcher
from streams.promql.storage import Series, Storage
from streams.promql.values import Labels

LOOKBACK_MS = 300_000
"""A series counts as present for five minutes after its last sample."""

DEFAULT_STEP_MS = 60_000
"""Step of a subquery that names none, unless it is set otherwise."""


class Note(msgspec.Struct, frozen=True):
    """A remark on a result that is probably not what was meant; ``position`` is ``line:column`` in the expression."""

    kind: Literal["warning", "info"]
    text: str
    position: str

    def __str__(self) -> str:
        return f"PromQL {self.kind}: {self.text} ({self.position})"


class Selected(msgspec.Struct, frozen=True):
    """A series as the evaluator keeps it: its label set is made once."""

    labels: Labels
    series: Series


class Resolver:
    """The series of one or more storages, and which of them each selector chose.

    What a storage with a ``version`` gave is remembered for as long as the version stays the same.
    ``step_ms``: the step of subqueries that name none. ``check`` is called at every step of a range or a subquery; what
    it raises ends the evaluation.
    """

    def __init__(
        self, *storages: Storage, step_ms: int = DEFAULT_STEP_MS, check: Callable[[], None] | None = None
    ) -> None:
        self.step_ms = step_ms
        self.check = check
        self._layers = [_Layer(storage) for storage in storages]

    @property
    def version(self) -> tuple[object, ...] | None:
        """Changes whenever a series appears or goes; None when a storage does not tell."""
        versions = tuple([layer.version for layer in self._layers])
        return None if None in versions else versions

    def select(self, matchers: tuple[Matcher, ...]) -> list[Selected]:
        """The series that satisfy all matchers."""
        chosen = self._layers[0].select(matchers)
        for layer in self._layers[1:]:
            more = layer.select(matchers)
            if more:
                chosen = chosen + more
        return chosen


class _Layer:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._version: object = None
        self._chosen: dict[tuple[Matcher, ...], list[Selected]] = {}
        self._known: dict[int, Selected] = {}
        self._known_before: dict[int, Selected] = {}

    @property
    def version(self) -> object:
        return getattr(self._storage, "version", None)

    def select(self, matchers: tuple[Matcher, ...]) -> list[Selected]:
        version = self.version
        if version is None:
            return [Selected(Labels(series.labels), series) for series in self._storage.select(matchers)]
        if version != self._version:
            self._version = version
            self._chosen = {}
            self._known, self._known_before = {}, self._known
        chosen = self._chosen.get(matchers)
        if chosen is None:
            chosen = self._chosen[matchers] = [self._selected(series) for series in self._storage.select(matchers)]
        return chosen

    def _selected(self, series: Series) -> Selected:
        key = id(series)
        known = self._known.get(key) or self._known_before.get(key)
        if known is None or known.series is not series:
            known = Selected(Labels(series.labels), series)
        self._known[key] = known
        return known


class Moment:
    """When (epoch ms) and over what. ``start_ms`` and ``end_ms`` are those of the query, for ``@ start()``."""

    __slots__ = ("at_ms", "end_ms", "notes", "resolver", "start_ms")

    def __init__(self, resolver: Resolver, at_ms: int, start_ms: int, end_ms: int, notes: dict[Note, None]) -> None:
        self.resolver = resolver
        self.at_ms = at_ms
        self.start_ms = start_ms
        self.end_ms = end_ms
        self.notes = notes

    def moved_to(self, at_ms: int) -> "Moment":
        """The same query at another time."""
        if self.resolver.check is not None:
            self.resolver.check()
        return Moment(self.resolver, at_ms, self.start_ms, self.end_ms, self.notes)

    def warn(self, text: str, position: str) -> None:
        self.notes[Note("warning", text, position)] = None

    def inform(self, text: str, position: str) -> None:
        self.notes[Note("info", text, position)] = None


Selection = tuple[Sequence[Matcher], int]
"""Matchers, and how far back in ms before the time of evaluation their samples can matter."""
