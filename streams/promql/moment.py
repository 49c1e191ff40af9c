"""The point in time at which an expression is evaluated, and what it is evaluated over."""

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import chain
from typing import Any, Literal, NamedTuple

import msgspec

from streams.promql.index import Count
from streams.promql.matcher import Matcher
from streams.promql.storage import FOREVER, Series, Storage, WatchableStorage

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


class Key(msgspec.Struct, frozen=True, cache_hash=True):
    """What a part of an expression says, wherever it stands: equal parts give equal values."""

    kind: str
    parts: tuple[Any, ...]


class Chosen(NamedTuple):
    """The series of a selector in each storage, and the counts of what happens to them; None: nobody counts."""

    layers: list[Collection[Series]]
    changed: list[Count] | None
    sampled: list[Count] | None

    def series(self) -> Iterable[Series]:
        """All of them."""
        return self.layers[0] if len(self.layers) == 1 else chain.from_iterable(self.layers)


class Resolver:
    """The series of one or more storages, and which of them each selector chose.

    ``step_ms``: the step of subqueries that name none. ``check`` is called at every step of a range or a subquery; what
    it raises ends the evaluation. ``follows``: selectors come again and again, so that those of a storage that can be
    watched are resolved once.
    """

    def __init__(
        self,
        *storages: Storage,
        step_ms: int = DEFAULT_STEP_MS,
        check: Callable[[], None] | None = None,
        follows: bool = False,
    ) -> None:
        self.step_ms = step_ms
        self.check = check
        self._storages = storages
        self._follows = follows
        self._followed: dict[tuple[Matcher, ...], Chosen] = {}

    def once(self) -> "Resolver":
        """The same for an expression that may not come again."""
        return Resolver(*self._storages, step_ms=self.step_ms, check=self.check)

    def choose(self, matchers: tuple[Matcher, ...]) -> Chosen:
        """The series that satisfy all matchers."""
        chosen = self._followed.get(matchers)
        if chosen is None:
            watchable = [each for each in self._storages if isinstance(each, WatchableStorage)]
            if self._follows and len(watchable) == len(self._storages):
                watched = [each.watch(matchers) for each in watchable]
                counts = [[watch.changed for _, watch in watched], [watch.sampled for _, watch in watched]]
                chosen = self._followed[matchers] = Chosen([series for series, _ in watched], *counts)
            else:
                chosen = Chosen([list(each.select(matchers)) for each in self._storages], None, None)
        return chosen


class Validity:
    """How long a value stays what it is: until a time, and while some counts stay what they are."""

    __slots__ = ("counts", "until_ms")

    def __init__(self) -> None:
        self.until_ms = FOREVER
        self.counts: list[tuple[Count, int]] = []

    def ends_by(self, at_ms: int) -> None:
        """At that time the value may change."""
        if at_ms < self.until_ms:
            self.until_ms = at_ms

    def depends_on(self, counts: Iterable[Count]) -> None:
        """When one of these changes the value may change."""
        self.counts += [(count, count.number) for count in counts]

    def add(self, other: "Validity") -> None:
        """The value is made of another one."""
        self.ends_by(other.until_ms)
        self.counts += other.counts

    def holds(self, at_ms: int) -> bool:
        """Whether the value is certainly the same at a time not before the one it was found at."""
        return at_ms < self.until_ms and all(count.number == number for count, number in self.counts)


class Remembered(NamedTuple):
    """A value that was found."""

    at_ms: int
    value: Any
    validity: Validity


Memory = dict[Key, Remembered]
"""Values of parts of expressions, of evaluations that all look equally far back from the clock of the storage."""


class Moment:
    """When (epoch ms) and over what. ``start_ms`` and ``end_ms`` are those of the query, for ``@ start()``.

    ``validity``: collects how long the value holds; None: nobody asks.
    """

    __slots__ = ("at_ms", "end_ms", "memory", "notes", "resolver", "start_ms", "validity")

    def __init__(
        self,
        resolver: Resolver,
        at_ms: int,
        start_ms: int,
        end_ms: int,
        notes: dict[Note, None],
        validity: Validity | None = None,
        memory: Memory | None = None,
    ) -> None:
        self.resolver = resolver
        self.at_ms = at_ms
        self.start_ms = start_ms
        self.end_ms = end_ms
        self.notes = notes
        self.validity = validity
        self.memory = memory

    def moved_to(self, at_ms: int) -> "Moment":
        """The same query at another time, for a value that is asked for again at every instant."""
        if self.resolver.check is not None:
            self.resolver.check()
        return Moment(self.resolver, at_ms, self.start_ms, self.end_ms, self.notes)

    def passes(self) -> None:
        """The value depends on the time itself."""
        if self.validity is not None:
            self.validity.ends_by(self.at_ms + 1)

    def warn(self, text: str, position: str) -> None:
        self.notes[Note("warning", text, position)] = None

    def inform(self, text: str, position: str) -> None:
        self.notes[Note("info", text, position)] = None


Selection = tuple[Sequence[Matcher], int]
"""Matchers, and how far back in ms before the time of evaluation their samples can matter."""
