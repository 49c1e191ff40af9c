"""Everything Tidewatch knows of one tenant between its panes and its rows and alerts. Pure: time is an argument."""

from collections.abc import Iterator
from typing import Any

import msgspec

from schemas.alert import Alert
from schemas.sla import Sla
from streams.rules.engine import RuleEngine
from streams.windows.history import History, HistoryState
from streams.windows.liveness import Liveness
from streams.windows.panes import Cell, Series
from streams.windows.series import labels_text
from streams.windows.sketch import SCALE, quantiles
from streams.windows.sla import GAUGES, SlaMeter, SlaState
from streams.windows.tumbling import Windows

OVERFLOW = (("__overflow__", "true"),)
"""Labels of the one series a metric's observations go to when its tenant has too many series."""

_QUANTILES = (0.5, 0.9, 0.95, 0.99)


class Settings(msgspec.Struct, frozen=True):
    """What every tenant has in common. Durations in milliseconds."""

    sizes_ms: tuple[int, ...]
    lateness_ms: int
    series_limit: int
    evaluation_ms: int
    sla: Sla


class TenantState(msgspec.Struct, array_like=True):
    """A tenant as it is kept in a snapshot."""

    name: str
    windows: list[tuple[int, int, list[tuple[Series, Cell, bool]]]]
    sla: SlaState
    history: HistoryState
    heartbeats: list[tuple[Series, list[int]]]
    rules: msgspec.Raw


class Tenant:
    """The windows, service levels, samples and rules of one tenant."""

    def __init__(self, name: str, settings: Settings, engine: RuleEngine) -> None:
        self.name = name
        self.settings = settings
        self.engine = engine
        self.windows: Windows[Series, Cell] = Windows(settings.sizes_ms, settings.lateness_ms)
        self.sla = SlaMeter(settings.sla, settings.sizes_ms, settings.lateness_ms)
        names, reach_ms = _reach(engine)
        self.history = History(lambda name: names is None or name in names, reach_ms)
        self.liveness = Liveness()
        self.series: dict[Series, Series] = {}
        self.overflowed = 0

    def merge(self, series: Series, start_ms: int, cell: Cell, watermark_ms: int) -> None:
        """Add a pane of a series."""
        known = self.series.get(series)
        if known is None:
            known = self._admit(series, cell)
        self.windows.merge(known, start_ms, cell, watermark_ms)
        self.sla.merge(known, start_ms, cell, watermark_ms)
        self.history.merge(known, start_ms, cell)
        self.liveness.merge(known, cell)

    def late(self) -> tuple[int, int]:
        """Observations so far that revised the smallest window after it had closed, and that came too late for it."""
        smallest = min(self.windows.sizes_ms)
        return self.windows.revised[smallest], self.windows.dropped[smallest]

    def evaluate(self, now_ms: int, live: bool) -> list[Alert]:
        """Evaluate the rules at an instant of event time; ``live`` when no later one follows yet."""
        history, step = self.history, self.settings.evaluation_ms
        history.clock.set(now_ms, live)
        for gauge, service, value in self.sla.gauges(history.clock):
            history.set(Series(gauge, "gauge", (("service", service),), step), now_ms, value)
        for series in self.liveness.silent(now_ms):
            history.set(series, now_ms, 0.0)
        return self.engine.evaluate(now_ms, history)

    def window_rows(self, watermark_ms: int, version: int) -> Iterator[tuple[Any, ...]]:
        """Rows of ``windows`` that are ready, in the order of its columns."""
        for size, start, series, cell in self.windows.close(watermark_ms):
            labels = dict(series.labels)
            service = labels.pop("service", "")
            percentiles: list[float | None] = [None] * len(_QUANTILES)
            if series.kind != "counter":
                percentiles = [*quantiles(_QUANTILES, cell.positive, cell.negative, cell.zeros, cell.min, cell.max)]
            yield (
                *(self.name, series.name, service, labels_text(labels), series.kind, size // 1000, start, version),
                *(cell.count, cell.sum, cell.min, cell.max, cell.last),
                *percentiles,
                *(cell.zeros, cell.positive, cell.negative, SCALE),
            )

    def sla_rows(self, watermark_ms: int, version: int) -> Iterator[tuple[Any, ...]]:
        """Rows of ``sla_windows`` that are ready, in the order of its columns."""
        return self.sla.rows(watermark_ms, self.name, version)

    def prune(self, now_ms: int) -> None:
        """Forget what nothing can reach any more."""
        self.history.prune(now_ms)

    def snapshot(self) -> TenantState:
        """What :meth:`restore` needs."""
        return TenantState(
            self.name,
            self.windows.snapshot(),
            self.sla.snapshot(),
            self.history.snapshot(),
            list(self.liveness.beats_ms.items()),
            msgspec.Raw(msgspec.msgpack.encode(self.engine.snapshot())),
        )

    def restore(self, state: TenantState) -> None:
        """Go on from a snapshot."""
        self.windows.restore(state.windows)
        self.sla.restore(state.sla)
        self.history.restore(state.history)
        self.liveness.beats_ms = dict(state.heartbeats)
        self.engine.restore(msgspec.msgpack.decode(state.rules))
        for _, _, cells in state.windows:
            for series, _, _ in cells:
                self.series[series] = series

    def _admit(self, series: Series, cell: Cell) -> Series:
        """A new series, or the overflow series of its name when there are too many."""
        if len(self.series) >= self.settings.series_limit:
            self.overflowed += cell.count
            series = msgspec.structs.replace(series, labels=OVERFLOW)
        self.series[series] = series
        return series


def _reach(engine: RuleEngine) -> tuple[set[str] | None, int]:
    """The names that rules can reach (None: any) and how far back, in milliseconds."""
    names: set[str] | None = set(GAUGES)
    reach = 0
    for matchers, back_ms in engine.references():
        reach = max(reach, back_ms)
        exact = [m.value for m in matchers if m.name == "__name__" and m.op == "="]
        if names is not None:
            names = names | set(exact) if exact else None
    return names, reach
