"""Service levels: availability, error rate, response time and throughput of every service, window by window."""

from collections.abc import Iterator, Sequence
from math import log2
from typing import Any

import msgspec

from schemas.sla import Sla, Targets
from streams.promql.storage import FOREVER
from streams.windows.clock import Clock
from streams.windows.panes import Cell, Series
from streams.windows.sketch import SCALE, quantiles
from streams.windows.tumbling import Windows

GAUGE_WINDOW_MS = 60_000
"""What the gauges that rules see look back on."""

GAUGES = (
    "sla_availability_percent",
    "sla_error_ratio",
    "sla_latency_p95_ms",
    "sla_throughput_per_second",
    "sla_alert_below_percent",
)

_PER_SECOND = 1000.0
_SHIFT = round(log2(_PER_SECOND) * 2**SCALE)
"""Buckets between a value in seconds and the same in milliseconds; rounding moves it by 0.2 % at most."""


class Level(msgspec.Struct, array_like=True):
    """What is known of a service in a stretch of time."""

    count: int = 0
    total: float = 0.0
    errors: float = 0.0
    latency: Cell | None = None
    """Milliseconds."""

    def merge(self, other: "Level") -> None:
        """Add another stretch."""
        self.count += other.count
        self.total += other.total
        self.errors += other.errors
        if other.latency is not None:
            if self.latency is None:
                self.latency = other.latency.copy()
            else:
                self.latency.merge(other.latency)

    def copy(self) -> "Level":
        """A level of its own."""
        return Level(self.count, self.total, self.errors, None if self.latency is None else self.latency.copy())

    @property
    def availability_percent(self) -> float | None:
        """``100 * good / total``; None without requests."""
        return 100 * max(self.total - self.errors, 0.0) / self.total if self.total else None

    def latency_ms(self, *at: float) -> list[float | None]:
        """Response time percentiles in milliseconds."""
        cell = self.latency
        if cell is None or not cell.count:
            return [None] * len(at)
        return [*quantiles(at, cell.positive, cell.negative, cell.zeros, cell.min, cell.max)]


class SlaState(msgspec.Struct, array_like=True):
    """The service levels of a tenant as they are kept in a snapshot."""

    windows: list[tuple[int, int, list[tuple[str, Level, bool]]]]
    recent: list[tuple[str, list[tuple[int, int, Level]]]]
    """Of each service: start, end and level of the panes of the last minutes."""


class SlaMeter:
    """The service levels of one tenant. Times in epoch milliseconds of event time."""

    def __init__(self, sla: Sla, sizes_ms: Sequence[int], lateness_ms: int) -> None:
        self.sla = sla
        self.windows: Windows[str, Level] = Windows(sizes_ms, lateness_ms)
        self._recent: dict[str, dict[tuple[int, int], Level]] = {}

    def merge(self, series: Series, start_ms: int, cell: Cell, watermark_ms: int) -> None:
        """Take what a pane says about its service; panes of other series say nothing."""
        level = self._level(series, cell)
        if level is None:
            return
        service = dict(series.labels).get("service", "")
        self.windows.merge(service, start_ms, level, watermark_ms)
        recent = self._recent.setdefault(service, {})
        pane = (start_ms, start_ms + series.pane_ms)
        if pane in recent:
            recent[pane].merge(level)
        else:
            recent[pane] = level.copy()

    def rows(self, watermark_ms: int, tenant: str, version: int) -> Iterator[tuple[Any, ...]]:
        """Rows of ``sla_windows`` that are ready, in the order of its columns."""
        for size, start, service, level in self.windows.close(watermark_ms):
            availability, ratio = level.availability_percent, _ratio(level)
            p50, p95, p99 = level.latency_ms(0.5, 0.95, 0.99)
            throughput = level.total / (size / 1000)
            targets = self.sla.of(service)
            judged = judge(targets, availability, ratio, p95, throughput if level.total else None)
            breaches = [name for name, met in judged.items() if not met]
            percent = 100 * (len(judged) - len(breaches)) / len(judged) if judged else None
            yield (
                *(tenant, service, size // 1000, start, version, level.total, level.errors, availability, ratio),
                *(throughput, p50, p95, p99, percent, breaches),
            )

    def gauges(self, clock: Clock) -> Iterator[tuple[str, str, float]]:
        """(gauge, service, value) over the last minute; nothing for a service without requests."""
        now_ms = clock.now_ms
        for service, recent in list(self._recent.items()):
            level = Level()
            for (start, end), pane in list(recent.items()):
                if end <= now_ms - GAUGE_WINDOW_MS:
                    if end <= now_ms - 2 * GAUGE_WINDOW_MS:
                        del recent[start, end]
                elif clock.shows(start, end):
                    level.merge(pane)
            if not recent:
                del self._recent[service]
            availability = level.availability_percent
            if availability is not None:
                yield "sla_availability_percent", service, availability
                yield "sla_error_ratio", service, level.errors / level.total
                yield "sla_throughput_per_second", service, level.total / (GAUGE_WINDOW_MS / 1000)
                yield "sla_alert_below_percent", service, self.sla.of(service).alert_below_percent
            p95 = level.latency_ms(0.95)[0]
            if p95 is not None:
                yield "sla_latency_p95_ms", service, p95

    def next_ms(self, now_ms: int) -> int:
        """When the gauges can change or have to be shown again, if nothing is merged before."""
        earliest = FOREVER
        for recent in self._recent.values():
            for start, end in recent:
                if end > now_ms - GAUGE_WINDOW_MS:
                    earliest = min(earliest, max(start, now_ms + 1))
        return earliest

    def snapshot(self) -> SlaState:
        """What :meth:`restore` needs."""
        recent = [
            (service, [(*pane, level) for pane, level in panes.items()]) for service, panes in self._recent.items()
        ]
        return SlaState(self.windows.snapshot(), recent)

    def restore(self, state: SlaState) -> None:
        """Go on from a snapshot."""
        self.windows.restore(state.windows)
        self._recent = {
            service: {(start, end): level for start, end, level in panes} for service, panes in state.recent
        }

    def _level(self, series: Series, cell: Cell) -> Level | None:
        indicators = self.sla.indicators
        if series.kind == "counter" and series.name in indicators.requests:
            failed = ("outcome", "error") in series.labels
            return Level(cell.count, cell.sum, cell.sum if failed else 0.0)
        if series.kind == "counter" and series.name in indicators.errors:
            return Level(cell.count, 0.0, cell.sum)
        if series.kind == "histogram" and series.name in indicators.latency:
            return Level(cell.count, latency=_to_ms(cell) if series.name.endswith("_seconds") else cell)
        return None


def judge(
    targets: Targets,
    availability_percent: float | None,
    error_ratio: float | None,
    latency_p95_ms: float | None,
    throughput_per_second: float | None,
) -> dict[str, bool]:
    """Which targets are met; one that nothing is known of is not judged."""
    judged: dict[str, bool] = {}
    if availability_percent is not None:
        judged["availability"] = availability_percent >= targets.availability_percent
    if latency_p95_ms is not None:
        judged["response_time"] = latency_p95_ms <= targets.response_time_ms
    if error_ratio is not None:
        judged["error_rate"] = error_ratio <= targets.error_rate
    if throughput_per_second is not None:
        judged["throughput"] = throughput_per_second >= targets.throughput_per_second
    return judged


def _ratio(level: Level) -> float | None:
    return level.errors / level.total if level.total else None


def _to_ms(cell: Cell) -> Cell:
    """A distribution of seconds as one of milliseconds."""
    return Cell(
        cell.count,
        cell.sum * _PER_SECOND,
        cell.min * _PER_SECOND,
        cell.max * _PER_SECOND,
        cell.last * _PER_SECOND,
        cell.last_ms,
        cell.zeros,
        {index + _SHIFT: count for index, count in cell.positive.items()},
        {index + _SHIFT: count for index, count in cell.negative.items()},
    )
