"""Everything Tidewatch knows of one tenant between its panes and its rows and alerts. Pure: time is an argument."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from schemas.alert import Alert
from schemas.sla import Sla
from streams.compliance.sequences.board import Sequences, SequenceSettings, SequencesState, SequenceViolation
from streams.health.graph import Component
from streams.health.vitals import WATCHED, Vitals, VitalsState
from streams.promql.moment import Resolver
from streams.rules.engine import RuleEngine
from streams.slo.board import Board, BoardState
from streams.slo.promises import Promises
from streams.windows.catalogue import Catalogue, CatalogueState
from streams.windows.columns import Batch
from streams.windows.history import History, HistoryState
from streams.windows.judged import evaluations
from streams.windows.kept import Name, minutes_among, minutes_name, window_name, windows_among
from streams.windows.panes import Cell, Series
from streams.windows.revisable import Key, RevisableWindows, WindowState
from streams.windows.rows import Block
from streams.windows.series import labels_text
from streams.windows.sla import GAUGES, SlaMeter, SlaState


class Settings(msgspec.Struct, frozen=True):
    """What every tenant has in common. Durations in milliseconds."""

    sizes_ms: tuple[int, ...]
    lateness_ms: int
    series_limit: int
    evaluation_ms: int
    sla: Sla
    dependencies: tuple[tuple[Component, Component], ...] = ()
    """Who depends on what, beside what health events say."""
    promises: Promises = Promises()
    sequences: SequenceSettings = SequenceSettings()


class TenantState(msgspec.Struct, array_like=True):
    """A tenant as it is kept in a snapshot."""

    name: str
    catalogue: CatalogueState
    windows: list[WindowState]
    sla: SlaState
    history: HistoryState
    health: VitalsState
    rules: msgspec.Raw
    objectives: BoardState = msgspec.field(default_factory=lambda: BoardState(0, []))
    sequences: SequencesState = msgspec.field(default_factory=lambda: SequencesState([]))

    def references(self) -> Iterator[tuple[Name, str]]:
        """What it refers to, and where that is."""
        for window in self.windows:
            if window.reference:
                yield window_name(self.name, Key(window.size_ms, window.start_ms)), window.reference
        for kept in self.objectives.followed:
            for minutes in kept.minutes:
                if minutes.reference:
                    yield minutes_name(self.name, kept.objective, minutes.key), minutes.reference


class Tenant:
    """The windows, service levels, samples and rules of one tenant."""

    def __init__(self, name: str, settings: Settings, engine: RuleEngine) -> None:
        self.name = name
        self.settings = settings
        self.engine = engine
        self.windows = RevisableWindows(settings.sizes_ms, settings.lateness_ms)
        self.sla = SlaMeter(settings.sla, settings.sizes_ms, settings.lateness_ms)
        self.objectives = Board(settings.promises, name)
        names, reach_ms = _reach(engine, settings.promises)
        self.history = History(lambda name: names is None or name in names, reach_ms)
        self.health = Vitals(settings.evaluation_ms, settings.dependencies)
        self.sequences = Sequences(settings.sequences, settings.lateness_ms)
        self._violations: list[SequenceViolation] = []
        self.catalogue = Catalogue(settings.series_limit, self._is_watched)
        self.overflowed = 0
        """Observations that were counted into an overflow series."""

    def merge(self, series: Sequence[bytes], cells: Batch, watermark_ms: int) -> None:
        """Add cells, whose series are indexes into ``series``."""
        if not len(cells.starts):
            return
        catalogue = self.catalogue
        known = [catalogue.number(packed) for packed in series]
        mine = cells.of(np.array(known)[cells.cells["series"]])
        numbers = mine.cells["series"]
        catalogue.seen(numbers, mine.starts)
        self.windows.merge(mine, watermark_ms)
        watched = np.array([catalogue.watched[number] for number in known])[cells.cells["series"]]
        for number, start, cell in mine.some(watched).each():
            self._watch(number, catalogue.series[number], start, cell, watermark_ms)
        if catalogue.overflowing:
            overflowing = np.isin(numbers, list(catalogue.overflowing))
            self.overflowed += int(mine.cells["count"][overflowing].sum())

    def _watch(self, number: int, series: Series | None, start_ms: int, cell: Cell, watermark_ms: int) -> None:
        assert series is not None, "it has just come"
        self.sla.merge(series, start_ms, cell, watermark_ms)
        self.history.merge(series, start_ms, cell)
        self.objectives.take(number, series, start_ms, cell)
        self.health.merge(series, cell)

    def _is_watched(self, series: Series) -> bool:
        """Whether service levels, objectives, rules or liveness look at it: most series only have windows."""
        names, indicators = [series.name], self.settings.sla.indicators
        if series.kind == "histogram":
            names += [series.name + suffix for suffix in ("_bucket", "_sum", "_count")]
        levels = {*WATCHED, *indicators.requests, *indicators.errors, *indicators.latency}
        if series.name in levels or any(map(self.history.wanted, names)):
            return True
        return self.objectives.wants(series)

    def late(self) -> tuple[int, int]:
        """Observations so far that revised the smallest window after it had closed, and that came too late for it."""
        smallest = min(self.windows.sizes_ms)
        return self.windows.revised[smallest], self.windows.dropped[smallest]

    def evaluate(self, now_ms: int, live: bool) -> list[Alert]:
        """Evaluate the rules at an instant of event time; ``live`` when no later one follows yet."""
        self._judge(now_ms)
        history, step = self.history, self.settings.evaluation_ms
        history.clock.set(now_ms, live)
        for gauge, service, value in self.sla.gauges(history.clock):
            history.set(Series(gauge, "gauge", (("service", service),), step), now_ms, value)
        for health, value in self.health.gauges(now_ms):
            history.set(health, now_ms, value)
        for series in self.health.liveness.silent(now_ms):
            history.set(series, now_ms, 0.0)
        alerts = self.objectives.evaluate(now_ms, Resolver(history, self.engine.recorded))
        for series, at_ms, value in self.objectives.gauges:
            history.set(series, at_ms, value)
        return alerts + self.engine.evaluate(now_ms, history)

    def _judge(self, now_ms: int) -> None:
        """Take what has become certain about sequences; rules that are evaluated now see that it counts."""
        found = self.sequences.advance(now_ms)
        if found:
            self._violations += found
            self.merge(*evaluations(found, now_ms, self.settings.sequences.pane_ms), now_ms)

    def take_violations(self) -> list[SequenceViolation]:
        """Violations of policies about sequences that became certain since this was asked last."""
        found, self._violations = self._violations, []
        return found

    def next_ms(self, now_ms: int) -> int:
        """When an evaluation after the last one, at ``now_ms``, can find anything new, if nothing is merged before."""
        changes = (self.engine.next_ms, self.sla.next_ms, self.health.next_ms)
        earliest = self.sequences.next_ms()
        for change in changes:
            if earliest > now_ms + self.settings.evaluation_ms:
                earliest = min(earliest, change(now_ms))
        return earliest

    def pass_over(self, now_ms: int, until_ms: int) -> None:
        """Leave out the evaluations between two instants; what they would have written again is there nevertheless."""
        for series in self.health.liveness.silent(now_ms):
            for at_ms in range(now_ms + self.settings.evaluation_ms, until_ms, self.settings.evaluation_ms):
                self.history.set(series, at_ms, 0.0)
        self.engine.pass_over(until_ms)

    def close(self, watermark_ms: int) -> None:
        """Close the windows that the watermark has passed."""
        self.windows.close(watermark_ms)

    def blocks(self, version: int) -> Iterator[Block]:
        """What is ready of closed windows, a window at a time."""
        for key, columns in self.windows.take():
            series = [self.catalogue.described[number] for number in columns.cells["series"].tolist()]
            yield Block(self.name, key, version, series, columns)

    def rows(self, watermark_ms: int, version: int) -> Iterator[tuple[str, Iterator[tuple[Any, ...]]]]:
        """Tables, and the rows of them that are ready, in the order of their columns."""
        yield "sla_windows", self.sla.rows(watermark_ms, self.name, version)
        yield "recorded", self._recorded_rows(version)
        yield "objective_minutes", self.objectives.minute_rows(version)
        yield "objective_budgets", self.objectives.budget_rows(version)

    def _recorded_rows(self, version: int) -> Iterator[tuple[Any, ...]]:
        for sample in self.engine.take_recorded():
            labels = dict(sample.labels)
            name, service = labels.pop("__name__"), labels.pop("service", "")
            identity = (self.name, name, service, labels_text(labels))
            yield (*identity, sample.at_ms, version, sample.value, sample.ended)

    @property
    def failures(self) -> int:
        """How often a rule, or a query of an objective, could not be evaluated."""
        return self.engine.failures + self.objectives.failures

    def active(self) -> list[Alert]:
        """Alerts that are pending or firing, of rules and of objectives."""
        return self.engine.active() + self.objectives.active()

    def prune(self, now_ms: int) -> None:
        """Forget what nothing can reach any more."""
        self.history.prune(now_ms)
        self.catalogue.forget(min(self.windows.oldest_ms(), now_ms) - max(self.settings.sizes_ms, default=0))

    def packed(self) -> dict[Name, bytes]:
        """What :meth:`snapshot` need not contain, and what never changes: closed windows, minutes of objectives."""
        found = {window_name(self.name, key): packed for key, packed in self.windows.packed().items()}
        for objective, minutes in self.objectives.packed().items():
            found |= {minutes_name(self.name, objective, key): packed for key, packed in minutes.items()}
        return found

    def snapshot(self, references: Mapping[Name, str]) -> TenantState:
        """What :meth:`restore` needs; ``references`` to what is kept elsewhere."""
        return TenantState(
            self.name,
            self.catalogue.snapshot(),
            self.windows.snapshot(windows_among(self.name, self.windows.packed(), references)),
            self.sla.snapshot(),
            self.history.snapshot(),
            self.health.snapshot(),
            msgspec.Raw(msgspec.msgpack.encode(self.engine.snapshot())),
            self.objectives.snapshot(minutes_among(self.name, self.objectives.packed(), references)),
            self.sequences.snapshot(),
        )

    def restore(self, state: TenantState, packed: Mapping[Name, bytes]) -> None:
        """Go on from a snapshot; ``packed`` has what it refers to."""
        self.catalogue.restore(state.catalogue)
        keys = [Key(window.size_ms, window.start_ms) for window in state.windows]
        self.windows.restore(state.windows, windows_among(self.name, keys, packed))
        self.sla.restore(state.sla)
        self.history.restore(state.history)
        self.health.restore(state.health)
        self.engine.restore(msgspec.msgpack.decode(state.rules))
        minutes = {kept.objective: [each.key for each in kept.minutes] for kept in state.objectives.followed}
        self.objectives.restore(state.objectives, minutes_among(self.name, minutes, packed))
        self.sequences.restore(state.sequences)


def _reach(engine: RuleEngine, promises: Promises) -> tuple[set[str] | None, int]:
    """The names that rules and objectives can reach (None: any) and how far back, in milliseconds."""
    asked, reach = promises.reach()
    names = None if asked is None else {*GAUGES, *asked}
    for matchers, back_ms in engine.references():
        reach = max(reach, back_ms)
        exact = [m.value for m in matchers if m.name == "__name__" and m.op == "="]
        if names is not None:
            names = names | set(exact) if exact else None
    return names, reach
