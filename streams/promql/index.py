"""Which series a selector chooses, resolved once and kept up to date as series come and go."""

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain
from typing import Generic, Protocol, TypeVar

from streams.promql.matcher import Matcher
from streams.promql.values import NAME, Labels


class Count:
    """How often something has happened."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 0


class Watched(Protocol):
    """A series that knows who chose it."""

    @property
    def labels(self) -> Labels:
        """Its label set."""

    @property
    def watches(self) -> "list[Watch]":
        """The selections it is in."""


S = TypeVar("S", bound=Watched)


class Watch:
    """One selection and what has happened to its series: the latest value of one changed, or a sample came."""

    __slots__ = ("_tests", "changed", "sampled")

    def __init__(self, matchers: Sequence[Matcher]) -> None:
        self._tests = [(matcher.name, matcher.test()) for matcher in matchers]
        self.changed = Count()
        self.sampled = Count()

    def accepts(self, labels: Labels) -> bool:
        """Whether the matchers choose a series with these labels."""
        return all(test(labels.get(name, "")) for name, test in self._tests)

    def happened(self) -> None:
        """A value changed."""
        self.changed.number += 1
        self.sampled.number += 1


def announce(watches: Sequence[Watch]) -> None:
    """A value of a series in these selections changed."""
    for watch in watches:
        watch.changed.number += 1
        watch.sampled.number += 1


def announce_sample(watches: Sequence[Watch]) -> None:
    """A sample of the same value followed the last one of a series in these selections."""
    for watch in watches:
        watch.sampled.number += 1


class _Selection(Generic[S]):
    __slots__ = ("series", "watch")

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.series: dict[int, S] = {}

    def add(self, series: S) -> None:
        self.series[id(series)] = series
        series.watches.append(self.watch)


class SeriesIndex(Generic[S]):
    """Series by name, and the selections over them."""

    def __init__(self) -> None:
        self._by_name: dict[str, dict[int, S]] = {}
        self._selections: dict[tuple[Matcher, ...], _Selection[S]] = {}
        self._concerned: dict[str | None, list[_Selection[S]]] = {}
        """Selections by the one name they ask for; None: those that ask for no single name."""

    def __iter__(self) -> Iterator[S]:
        return chain.from_iterable(map(dict.values, self._by_name.values()))

    def add(self, series: S) -> None:
        """A series that was not there."""
        labels = series.labels
        name = labels.get(NAME, "")
        self._by_name.setdefault(name, {})[id(series)] = series
        for selection in chain(self._concerned.get(name, ()), self._concerned.get(None, ())):
            if selection.watch.accepts(labels):
                selection.add(series)
                selection.watch.happened()

    def remove(self, series: S) -> None:
        """A series that is there."""
        name = series.labels.get(NAME, "")
        del self._by_name[name][id(series)]
        for selection in chain(self._concerned.get(name, ()), self._concerned.get(None, ())):
            if selection.series.pop(id(series), None) is not None:
                selection.watch.happened()

    def select(self, matchers: Sequence[Matcher]) -> list[S]:
        """The series that all matchers choose now."""
        accepts: Callable[[Labels], bool] = Watch(matchers).accepts
        name = _one_name(matchers)
        candidates = self if name is None else self._by_name.get(name, {}).values()
        return [series for series in candidates if accepts(series.labels)]

    def watch(self, matchers: tuple[Matcher, ...]) -> tuple[Collection[S], Watch]:
        """The same as a view that follows what comes and goes, and what happens to the series in it."""
        selection = self._selections.get(matchers)
        if selection is None:
            selection = self._selections[matchers] = _Selection(Watch(matchers))
            for series in self.select(matchers):
                selection.add(series)
            self._concerned.setdefault(_one_name(matchers), []).append(selection)
        return selection.series.values(), selection.watch


def _one_name(matchers: Sequence[Matcher]) -> str | None:
    return next((matcher.value for matcher in matchers if matcher.name == NAME and matcher.op == "="), None)
