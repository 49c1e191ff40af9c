"""The health of a tenant's components, as series that rules read: silent, flapping, and for whose fault.

- ``health_silent``: 1 while a component has sent no heartbeat for 30 seconds.
- ``health_flapping``: 1 while it goes up and down too often (:mod:`streams.health.flapping`).
- ``health_root_cause``: 1 for each component with a dependency that is down, with the label ``cause``: where the fault
  began (:mod:`streams.health.graph`). ``monitored`` is ``"true"`` when the cause reports its own health, so that it has
  an alert of its own, and ``"false"`` when only the checks of others know of it.

Each is 0 once when it is over, and then gone. Times are epoch milliseconds of event time.
"""

from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence
from itertools import chain

import msgspec

from streams.health.flapping import EVERY_MS, Condition
from streams.health.graph import Component, resolve, root_causes
from streams.health.liveness import FORGET_MS, Liveness
from streams.promql.storage import FOREVER
from streams.windows.panes import Cell, Series

UP, DEPENDENCY = "up", "health_dependency"
WATCHED = (UP, DEPENDENCY)
"""The series that tell of health; the second is a check's result with the label ``dependency``."""

SHOW_AGAIN_MS = 60_000
"""A gauge is shown again before rules would take it for gone."""


class Known(msgspec.Struct, array_like=True):
    """What is known of one series."""

    condition: Condition
    latest_ms: int
    """When it last said something, or fell silent; what is older comes too late to count."""


class VitalsState(msgspec.Struct, array_like=True):
    """The health of a tenant as it is kept in a snapshot."""

    heartbeats: list[tuple[Series, list[int]]]
    known: list[tuple[Series, Known]]
    coming: list[tuple[Series, list[tuple[int, bool]]]]
    silent: list[Series]
    shown: list[Series]


class Vitals:
    """Takes results and heartbeats, gives gauges.

    ``dependencies``: those that are configured, beside those that events tell of. ``step_ms``: between evaluations.
    """

    def __init__(self, step_ms: int, dependencies: Sequence[tuple[Component, Component]] = ()) -> None:
        self.liveness = Liveness()
        self._step_ms = step_ms
        self._configured = dependencies
        self._known: dict[Series, Known] = {}
        self._coming: dict[Series, list[tuple[int, bool]]] = {}
        """Results that the clock has not passed yet, ascending."""
        self._silent: frozenset[Series] = frozenset()
        self._causes: frozenset[Series] = frozenset()
        self._changed = True
        self._shown: set[Series] = set()

    def merge(self, series: Series, cell: Cell) -> None:
        """Take note of results; other series are none."""
        if _tells(series):
            self.liveness.merge(series, cell)
            insort(self._coming.setdefault(series, []), (cell.last_ms, cell.last > 0))

    def gauges(self, now_ms: int) -> Iterator[tuple[Series, float]]:
        """The gauges that are news at ``now_ms``, which does not go back, or have to be shown again."""
        self._advance(now_ms)
        on = set(self._causes)
        on.update(self._gauge("health_silent", series) for series in self._silent)
        on.update(self._gauge("health_flapping", series) for series, known in self._flapping())
        again = now_ms % SHOW_AGAIN_MS < self._step_ms
        for series in self._shown - on:
            yield series, 0.0
        for series in on if again else on - self._shown:
            yield series, 1.0
        self._shown = on

    def next_ms(self, now_ms: int) -> int:
        """When gauges can change after ``now_ms``, if nothing is merged before."""
        coming = (results[0][0] for results in self._coming.values())
        calmer = (known.condition.noted_ms + EVERY_MS for _, known in self._flapping())
        earliest = min(chain(coming, calmer), default=FOREVER)
        return max(min(earliest, self.liveness.next_ms(now_ms)), now_ms + 1)

    def snapshot(self) -> VitalsState:
        """What :meth:`restore` needs."""
        beats = list(self.liveness.beats_ms.items())
        known, coming = list(self._known.items()), list(self._coming.items())
        return VitalsState(beats, known, coming, list(self._silent), list(self._shown))

    def restore(self, state: VitalsState) -> None:
        """Go on from a snapshot."""
        self.liveness.beats_ms = dict(state.heartbeats)
        self._known, self._coming = dict(state.known), dict(state.coming)
        self._silent, self._shown = frozenset(state.silent), set(state.shown)
        self._changed = True

    def _flapping(self) -> Iterator[tuple[Series, Known]]:
        return (
            (series, known)
            for series, known in self._known.items()
            if known.condition.is_flapping and series.name == UP
        )

    def _gauge(self, name: str, series: Series) -> Series:
        return Series(name, "gauge", series.labels, self._step_ms)

    def _advance(self, now_ms: int) -> None:
        for series, results in list(self._coming.items()):
            passed = bisect_right(results, (now_ms, True))
            for at_ms, is_up in results[:passed]:
                self._see(series, at_ms, is_up)
            del results[:passed]
            if not results:
                del self._coming[series]
        silent = frozenset(self.liveness.silent(now_ms))
        for series in silent - self._silent:
            self._fell_silent(series, now_ms)
        self._silent = silent
        for _, known in list(self._flapping()):
            known.condition.pass_to(now_ms)
        if now_ms % SHOW_AGAIN_MS < self._step_ms:
            self._forget(now_ms)
        if self._changed:
            self._causes, self._changed = frozenset(self._found()), False

    def _see(self, series: Series, at_ms: int, is_up: bool) -> None:
        known = self._known.get(series)
        if known is None:
            self._known[series] = Known(Condition(is_up, at_ms, [is_up]), at_ms)
            self._changed = True
        elif at_ms >= known.latest_ms:
            known.latest_ms = at_ms
            self._changed |= known.condition.see(at_ms, is_up)

    def _fell_silent(self, series: Series, now_ms: int) -> None:
        known = self._known.get(series)
        if known is not None:
            known.latest_ms = now_ms
            self._changed |= known.condition.see(now_ms, False)

    def _forget(self, now_ms: int) -> None:
        for series, known in list(self._known.items()):
            if now_ms - known.latest_ms > FORGET_MS:
                del self._known[series]
                self._changed = True

    def _found(self) -> Iterator[Series]:
        """The gauges of root causes, as things stand."""
        own = self._states(UP)
        needs: dict[Component, set[Component]] = {}
        witnessed: dict[Component, bool] = {}
        for dependent, dependency in self._configured:
            needs.setdefault(dependent, set()).add(dependency)
        for series, known in self._known.items():
            if series.name == DEPENDENCY:
                labels = dict(series.labels)
                needed = resolve(labels["dependency"], labels["service"], own)
                needs.setdefault(_component(series), set()).add(needed)
                witnessed[needed] = witnessed.get(needed, False) or known.condition.is_up
        down = {component for component, is_up in {**witnessed, **own}.items() if not is_up}
        for component, causes in root_causes(needs, down).items():
            for cause in causes:
                labels = {"cause": str(cause), "component": component.name, "service": component.service}
                labels["monitored"] = "true" if cause in own else "false"
                yield Series("health_root_cause", "gauge", tuple(sorted(labels.items())), self._step_ms)

    def _states(self, name: str) -> dict[Component, bool]:
        """Of each component, whether any series of that name says that it is up."""
        found: dict[Component, bool] = {}
        for series, known in self._known.items():
            if series.name == name:
                component = _component(series)
                found[component] = found.get(component, False) or known.condition.is_up
        return found


def _tells(series: Series) -> bool:
    """Whether it is of a component; who counts into an overflow series has no name."""
    labels = {name for name, _ in series.labels}
    wanted = {UP: {"service"}, DEPENDENCY: {"service", "dependency"}}.get(series.name)
    return series.kind == "gauge" and wanted is not None and wanted <= labels


def _component(series: Series) -> Component:
    labels = dict(series.labels)
    return Component(labels.get("service", ""), labels.get("component", ""))
