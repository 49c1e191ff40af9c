"""What an expression reads, taken out of ClickHouse into memory: the pieces of time and the series it can reach.

Short queries read raw rows, folded into the panes that rules see. Longer ones read the smallest stored windows, and raw
rows for what no window holds yet.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from schemas.duration import milliseconds
from schemas.failures import Rejected
from streams.health.liveness import FORGET_MS as GONE_MS
from streams.promql import Expression, Labels, Matcher, MemoryStorage
from streams.promql.tokens import tokens
from streams.promql.values import NAME
from streams.stored import sql
from streams.stored.alerts import ALERT_SERIES, load_alerts
from streams.stored.recorded import load_recorded, recorded_labels
from streams.stored.samples import NOTHING, Counted, Pane, label_sets, names_of, sampled, stored_names
from streams.stored.sql import MADE, Resolution
from streams.windows.histograms import LE_BOUNDS
from streams.windows.history import FORGET_MS

FINE_MS = 6 * 3_600_000
"""Queries that reach over more than this see windows instead of panes."""

MOST_PANES, MOST_SAMPLES = 1_000_000, 5_000_000
"""What one query may load, and what it may become in memory."""

_MOST_NAMES = 1000
"""More names than this are not listed in a statement: everything is read."""

Asking = Callable[[str, str], bytes]

_Key = tuple[str, str, Labels]
"""Name, kind and labels of a stored series."""


class TooMuch(Rejected):
    """The query reaches more data than one query may load."""


class Extent(NamedTuple):
    """A stretch of time, ``(start_ms, end_ms]``."""

    start_ms: int
    end_ms: int


class Loaded(NamedTuple):
    """What a query is evaluated over."""

    storage: MemoryStorage
    step_ms: int
    """How far apart the samples of metrics stand."""


def extent_of(expression: Expression, start_ms: int, end_ms: int) -> Extent:
    """All the time that a query from ``start_ms`` to ``end_ms`` can read."""
    reach = max((reach_ms for _, reach_ms in expression.selectors()), default=0)
    fixed, ahead = _moved(expression.text)
    return Extent(min([start_ms, *fixed]) - max(reach, 0), max([end_ms, *fixed]) + ahead)


def _moved(text: str) -> tuple[list[int], int]:
    """The times behind ``@``, and how far ahead negative offsets look, all in ms."""
    fixed, ahead = [], 0
    found = tokens(text)
    for at, token in enumerate(found):
        sign, operand = ("-", at + 2) if [each.text for each in found[at + 1 : at + 2]] == ["-"] else ("", at + 1)
        given = found[operand].text if operand < len(found) else ""
        if token.text == "@" and given[:1].isdigit():
            fixed.append(-_ms(given) if sign else _ms(given))
        elif token.text.lower() == "offset" and sign:
            ahead += _ms(given)
    return fixed, ahead


def _ms(text: str) -> int:
    """Of a number of seconds, decimal or hexadecimal, or a duration."""
    try:
        return round(float(text) * 1000)
    except ValueError:
        return int(text, 16) * 1000 if text[:2].lower() == "0x" else milliseconds(text)


def load(ask: Asking, tenant: str, selectors: Iterable[Sequence[Matcher]], extent: Extent, sizes: Resolution) -> Loaded:
    """The series that selectors can choose. Raises TooMuch, or what asking raises."""
    reader = _Reader(ask, tenant, extent, sizes)
    wanted = reader.wanted([tuple(matchers) for matchers in selectors])
    storage = MemoryStorage()
    reader.load(storage, wanted)
    reader.load_recorded(storage, wanted)
    if wanted is None or ALERT_SERIES & wanted:
        load_alerts(ask, tenant, extent.start_ms, extent.end_ms, storage)
    return Loaded(storage, sizes.pane_ms if reader.fine else sizes.windows_ms[0])


def series(ask: Asking, tenant: str, extent: Extent, sizes: Resolution) -> set[Labels]:
    """The label sets of all series with samples in a stretch of time."""
    reader = _Reader(ask, tenant, extent, sizes)
    found: set[Labels] = set()
    panes = " UNION ALL ".join([reader.panes(None, extent.start_ms), *reader.levels(None)])
    for name, kind, service, labels in reader.rows(sql.identities(panes)):
        found.update(label_sets(name, kind, _all_labels(labels, service)))
    found.update(recorded_labels(ask, tenant, extent.start_ms, extent.end_ms))
    alerts = MemoryStorage()
    load_alerts(ask, tenant, extent.start_ms, extent.end_ms, alerts)
    return found | {each.labels for each in alerts}


class _Reader:
    def __init__(self, ask: Asking, tenant: str, extent: Extent, sizes: Resolution) -> None:
        self._ask = ask
        self._tenant = tenant
        self._extent = extent
        self._sizes = sizes
        self._size = sizes.windows_ms[0]
        self._samples = 0
        self.fine = extent.end_ms - extent.start_ms <= FINE_MS
        largest = sizes.windows_ms[-1]
        self._from = max(extent.start_ms - FORGET_MS, 0) // largest * largest
        self._closed: int | None = None

    def rows(self, statement: str) -> Iterator[Any]:
        """Line by line, since nothing else in the process runs while a text is parsed."""
        return map(orjson.loads, self._ask(statement, "JSONCompactEachRow").splitlines())

    def wanted(self, selectors: Sequence[tuple[Matcher, ...]]) -> set[str] | None:
        """Names of stored series that the selectors can choose; None when there are too many to list."""
        found: set[str] = set()
        for matchers in selectors:
            exact = [matcher.value for matcher in matchers if matcher.name == NAME and matcher.op == "="]
            if exact:
                found |= stored_names(exact[0])
        loose = [m for m in selectors if not any(each.name == NAME and each.op == "=" for each in m)]
        if loose:
            panes = " UNION ALL ".join([self.panes(None, self._from), *self.levels(None)])
            known = [(name, names_of(name, kind)) for name, kind in self.rows(sql.names(panes))]
            known += [(name, [name]) for name in ALERT_SERIES]
            recorded = recorded_labels(self._ask, self._tenant, self._extent.start_ms, self._extent.end_ms)
            known += [(labels[NAME], [labels[NAME]]) for labels in recorded]
            found |= {name for name, shown in known if any(_may_be(m, each) for m in loose for each in shown)}
        return found if len(found) <= _MOST_NAMES else None

    def panes(self, wanted: set[str] | None, start_ms: int, end_ms: int | None = None) -> str:
        """The statement for the panes since an instant, until the end of the extent if no other is given."""
        end = self._extent.end_ms + 1 if end_ms is None else end_ms
        if self.fine:
            return sql.raw(wanted, self._tenant, start_ms, end, self._sizes)
        if self._closed is None:
            last = self._extent.end_ms + 1
            self._closed = int(next(self.rows(sql.closed_until(self._tenant, self._size, last)))[0] or 0)
        closed = max(min(self._closed, end // self._size * self._size), start_ms // self._size * self._size)
        coarse = self._sizes._replace(pane_ms=self._size, security_pane_ms=self._size)
        stored = sql.windows(wanted, self._tenant, start_ms // self._size * self._size, closed, self._size)
        return f"{stored} UNION ALL {sql.raw(wanted, self._tenant, closed, end, coarse)}"

    def levels(self, wanted: set[str] | None) -> list[str]:
        """The statement for service levels, if they are wanted."""
        if wanted is not None and not wanted & sql.SLA_GAUGES.keys():
            return []
        return [sql.sla(wanted, self._tenant, self._extent.start_ms, self._extent.end_ms, self._size)]

    def load(self, storage: MemoryStorage, wanted: set[str] | None) -> None:
        width = self._sizes.pane_ms if self.fine else self._size
        start = self._extent.start_ms // width * width
        if wanted is None or "up" in wanted:
            self._fill(storage, self.panes({"up"}, self._extent.start_ms - GONE_MS), {})
        self._fill(storage, self.panes(wanted, start), self._earlier(wanted, start))
        for statement in self.levels(wanted):
            self._fill(storage, statement, {})

    def load_recorded(self, storage: MemoryStorage, wanted: set[str] | None) -> None:
        """Add what recording rules gave."""
        extent = self._extent
        self._count(load_recorded(self._ask, self._tenant, wanted, extent.start_ms, extent.end_ms, storage))

    def _fill(self, storage: MemoryStorage, statement: str, earlier: dict[_Key, Counted]) -> None:
        panes = sql.classic(statement, LE_BOUNDS)
        asked = sql.by_series(panes, "pane, count, sum, last, below", MOST_PANES + 1)
        found: dict[_Key, list[Pane]] = {key: [] for key in earlier}
        for name, kind, service, labels, rows in self.rows(asked):
            found.setdefault((name, kind, _all_labels(labels, service)), []).extend(
                Pane(int(row[0]), *row[1:]) for row in rows
            )
        if sum(map(len, found.values())) > MOST_PANES:
            raise TooMuch(f"the query reaches more than {MOST_PANES} panes; choose fewer series or less time")
        for key, pieces in found.items():
            name, kind, all_labels = key
            shown = sampled(
                *(name, kind, all_labels, sorted(pieces), self._width(name), self._extent.end_ms),
                earlier=earlier.get(key, NOTHING),
                from_ms=self._extent.start_ms,
            )
            for series_labels, times, values in shown:
                self._keep(storage, series_labels, times, values)

    def _keep(self, storage: MemoryStorage, labels: Labels, times: Sequence[int], values: list[float]) -> None:
        self._count(len(values))
        one = storage.series(labels)
        if not one.timestamps:
            one.timestamps, one.values = list(times), values
        if not one.timestamps:
            storage.drop(labels)

    def _count(self, samples: int) -> None:
        self._samples += samples
        if self._samples > MOST_SAMPLES:
            raise TooMuch(f"the query reaches more than {MOST_SAMPLES} samples; choose fewer series or less time")

    def _earlier(self, wanted: set[str] | None, start_ms: int) -> dict[_Key, Counted]:
        """What counters and histograms had counted before: by the largest windows, and the panes after those."""
        stored = sql.windows(wanted, self._tenant, 0, self._from, self._sizes.windows_ms[-1])
        panes = f"{stored} UNION ALL {self.panes(wanted, self._from, start_ms)}"
        counted: dict[_Key, Counted] = {}
        for name, kind, service, labels, last, number, total, below in self.rows(
            sql.before(sql.classic(panes, LE_BOUNDS))
        ):
            key = (name, kind, _all_labels(labels, service))
            one = counted.get(key, NOTHING)
            counted[key] = Counted(
                max(one.last_ms, int(last)),
                one.number + number,
                one.sum + total,
                [a + b for a, b in zip(one.below, below, strict=False)],
            )
        return counted

    def _width(self, name: str) -> int:
        if not self.fine or name in sql.SLA_GAUGES:
            return self._size
        made = any(events.name == name for events in MADE)
        return self._sizes.security_pane_ms if made else self._sizes.pane_ms


def _may_be(matchers: Sequence[Matcher], name: str) -> bool:
    return all(matcher.test()(name) for matcher in matchers if matcher.name == NAME)


def _all_labels(labels: str, service: str) -> Labels:
    return Labels({**orjson.loads(labels or "{}"), "service": service})
