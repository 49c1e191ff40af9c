"""The second stage as a pure function of the records of ``panes``: crashes and repetitions change nothing."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.alert import Alert
from schemas.sla import Sla
from schemas.tables import COLUMNS, Coded
from streams.batch import Partition
from streams.config.files import load_rules
from streams.rules.engine import RuleEngine
from streams.windows.columns import batch
from streams.windows.deltas import PaneDelta, Pulse
from streams.windows.panes import Cell, Series
from streams.windows.rows import rows
from streams.windows.shard import Shard
from streams.windows.tenant import Settings, Tenant
from streams.windows.versions import decode
from streams.windows.watermark import Watermark
from tests.windows.deltas import delta

MINUTE = 60_000
SETTINGS = Settings((MINUTE, 5 * MINUTE), 10 * MINUTE, 1000, 1000, Sla())
RULES = load_rules([])
SOURCE = Partition("metrics", 0)
START = 1_795_342_500_000 // MINUTE * MINUTE


def shard() -> Shard:
    return Shard(Watermark(500), 1000, lambda name: Tenant(name, SETTINGS, RuleEngine(RULES, name, 1000)))


def requests(first: int, at_ms: int, good: int, bad: int, source: Partition = SOURCE) -> PaneDelta:
    """One batch: so many good and bad requests of one service in the pane at ``at_ms``."""
    series = [
        Series("requests_total", "counter", (("outcome", outcome), ("service", "shop")), 10_000)
        for outcome in ("success", "error")
    ]
    start = at_ms - at_ms % 10_000
    cells = [
        (index, start, Cell(1, float(count), count, count, count, at_ms))
        for index, count in enumerate((good, bad))
        if count
    ]
    return delta("default", source, (first, first), series, cells)


def rows_of(state: Shard) -> list[tuple[Any, ...]]:
    """The rows of ``windows`` that are ready."""
    blocks = list(state.blocks())
    if not blocks:
        return []
    columns = rows(blocks)
    assert list(columns) == list(COLUMNS["windows"])
    return list(zip(*map(values, columns.values()), strict=True))


def values(column: Any) -> list[Any]:
    if isinstance(column, Coded):
        return [column.values[code] for code in column.codes]
    return column.tolist() if isinstance(column, np.ndarray) else list(column)


class Seen:
    """What a shard has given: the newest version of each row, and every alert."""

    def __init__(self) -> None:
        self.rows: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self.sla: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self.alerts: list[Alert] = []

    def advance(self, state: Shard) -> None:
        while True:
            output = state.advance(50)
            for row in rows_of(state):
                self.rows[row[:7]] = row[8:]
            for row in output.rows.get("sla_windows", []):
                self.sla[row[:4]] = row[5:]
            self.alerts += output.alerts
            if not output.more:
                return


def told(record: PaneDelta | Pulse) -> list[PaneDelta | Pulse]:
    """A delta is followed by what its reader says of the batch."""
    if isinstance(record, Pulse):
        return [record]
    high_ms = int(record.cells.cells["last_ms"].max(initial=0))
    return [record, Pulse(wall_ms=high_ms, seen=[(record.source, high_ms, high_ms)])]


def follow(records: list[PaneDelta | Pulse]) -> Seen:
    """Run whole batches through a new shard."""
    return run([part for record in records for part in told(record)])


def run(records: list[PaneDelta | Pulse], state: Shard | None = None, seen: Seen | None = None, first: int = 0) -> Seen:
    state, seen = state or shard(), seen or Seen()
    for offset, record in enumerate(records, first):
        state.merge(record, offset)
        seen.advance(state)
    return seen


def idle(wall_ms: int) -> Pulse:
    return Pulse(wall_ms=wall_ms, idle=[SOURCE])


def test_a_closed_minute_has_a_window_row_and_a_service_level() -> None:
    seen = follow([requests(0, START + 5_000, 60, 61), requests(1, START + MINUTE + 1_000, 10, 0)])

    row = seen.rows["default", "requests_total", "shop", '{"outcome":"error"}', "counter", 60, START]
    assert row[:2] == (1, 61.0)
    total, errors, availability, *_ = seen.sla["default", "shop", 60, START]
    assert (total, errors, availability) == (121.0, 61.0, 100 * 60 / 121)


def test_a_dip_raises_sla_breach_within_its_minute_and_resolves_when_it_is_over() -> None:
    """One burst of requests a minute at second 19; the third minute is bad."""
    records: list[PaneDelta | Pulse] = [
        requests(minute, START + minute * MINUTE + 19_000, *((5, 5) if minute == 2 else (10, 0))) for minute in range(6)
    ]

    alerts = [alert for alert in follow(records).alerts if alert.rule == "SLABreach"]

    assert [alert.state for alert in alerts] == ["firing", "resolved"]
    assert alerts[0].labels["service"] == "shop"
    assert (alerts[0].active_at_ms - START) // MINUTE == 2
    assert (alerts[1].changed_at_ms - START) // MINUTE == 3


def test_silence_is_noticed_without_any_event() -> None:
    series = Series("up", "gauge", (("component", ""), ("service", "registry")), 1000)
    beat = delta("default", SOURCE, (0, 0), [series], [(0, START, Cell(1, 1.0, 1.0, 1.0, 1.0, START))])

    seen = follow([beat, *(idle(START + second * 1000) for second in range(2, 90))])

    down = [alert for alert in seen.alerts if alert.rule == "ServiceDown"]
    assert [alert.state for alert in down] == ["pending", "firing"]
    assert down[0].active_at_ms - START == 31_000


def test_a_batch_that_is_repeated_is_merged_once() -> None:
    once = [requests(0, START, 10, 1), requests(1, START + 10_000, 5, 0)]
    end = requests(9, START + 2 * MINUTE, 1, 0)

    assert follow([*once, end]).rows == follow([once[0], once[0], *once, end]).rows


def test_a_part_that_was_overtaken_is_merged_all_the_same() -> None:
    """A part that could not be stored is sent again after the parts behind it."""
    one, two = (requests(0, START + at, 10, 0)._replace(part=at, parts=2) for at in (0, 1))
    seen = run([two, one, two, *told(requests(1, START + 2 * MINUTE, 1, 0))])

    assert seen.sla["default", "shop", 60, START][0] == 20.0


def test_a_delta_is_not_merged_again_after_a_snapshot() -> None:
    state = shard()
    state.merge(requests(0, START, 10, 0), 0)
    successor = shard()
    successor.restore(decode(state.snapshot()))
    successor.merge(requests(0, START, 10, 0), 1)

    assert successor.duplicates == 1


def test_a_topic_that_was_made_again_starts_over() -> None:
    again = requests(0, START + 1_000, 7, 0)._replace(incarnation="d")
    seen = follow([requests(0, START, 10, 0), again, requests(1, START + 2 * MINUTE, 1, 0)])

    assert seen.sla["default", "shop", 60, START][0] == 17.0


def transitions(seen: Seen) -> set[tuple[Any, ...]]:
    return {(alert.key, alert.state, alert.active_at_ms, alert.changed_at_ms) for alert in seen.alerts}


batches = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 20), st.integers(0, 5)), min_size=1, max_size=25)


@settings(deadline=None, max_examples=8)
@given(batches, st.data())
def test_a_crash_at_any_point_changes_no_row(events: list[tuple[int, int, int]], data: st.DataObject) -> None:
    """Snapshot somewhere, crash somewhere later, merge again from the snapshot: the same rows come out."""
    records: list[PaneDelta | Pulse] = [
        requests(at, START + second * 1000, good, bad) for at, (second, good, bad) in enumerate(sorted(events))
    ]
    records = [part for record in records for part in told(record)]
    records += [idle(START + 401_000), idle(START + 401_000 + 5 * MINUTE)]
    saved = data.draw(st.integers(0, len(records)))
    crashed = data.draw(st.integers(saved, len(records)))
    undisturbed = run(records)

    state, seen = shard(), Seen()
    run(records[:saved], state, seen)
    packed = state.snapshot()
    run(records[saved:crashed], state, seen, saved)
    successor = shard()
    successor.restore(decode(packed))
    run(records[saved:], successor, seen, saved)

    assert seen.rows == undisturbed.rows
    assert seen.sla == undisturbed.sla
    assert transitions(seen) == transitions(undisturbed)


def test_no_part_of_a_batch_makes_another_late() -> None:
    """A batch of a day: its parts, and its tenants, are records of their own, and the clock moves after all of them."""
    parts: list[PaneDelta | Pulse] = [
        requests(9, START + (23 - part) * 60 * MINUTE, 1, 0)._replace(part=part, parts=24) for part in range(24)
    ]
    seen = run([*parts, Pulse(wall_ms=START, seen=[(SOURCE, START + 24 * 60 * MINUTE, START)])])

    assert len([key for key in seen.sla if key[2] == 60]) == 24


def test_partitions_without_data_of_a_tenant_let_its_time_pass() -> None:
    """What they hold belongs to tenants of other shards; how far they have come is told to all."""
    elsewhere = Partition("metrics", 1)
    begin = Pulse(wall_ms=START, expected=[SOURCE, elsewhere])
    clock = [Pulse(wall_ms=START, seen=[(elsewhere, START + minute * MINUTE, START)]) for minute in range(3)]

    seen = follow([begin, requests(0, START, 1, 0), requests(1, START + 2 * MINUTE, 1, 0), *clock])

    assert ("default", "shop", 60, START) in seen.sla


def test_rules_are_evaluated_from_the_earliest_partition_on() -> None:
    """Whichever is merged first."""
    other = Partition("metrics", 1)
    begin = Pulse(wall_ms=START, expected=[SOURCE, other])
    late, early = requests(0, START + 10 * MINUTE, 10, 0), requests(0, START, 5, 5, other)
    both = Pulse(wall_ms=START, seen=[(at, START + 10 * MINUTE, START) for at in (SOURCE, other)])

    alerts = run([begin, late, early, both]).alerts

    assert [(a.rule, a.active_at_ms // MINUTE) for a in alerts if a.state == "firing"] == [
        ("SLABreach", START // MINUTE)
    ]


def test_too_many_series_overflow_into_one_and_are_counted() -> None:
    settings = Settings((MINUTE,), 0, 2, 1000, Sla())
    state = Shard(Watermark(0), 1000, lambda name: Tenant(name, settings, RuleEngine([], name, 1000)))
    tenant = state.tenant("default")
    for number in range(5):
        series = Series("m", "gauge", (("n", str(number)),), 1000)
        tenant.merge([series.packed()], batch([(0, START, Cell(1, 1.0, 1.0, 1.0, 1.0, START))]), 0)
    tenant.close(START + MINUTE)

    found = rows_of(state)

    assert len(found) == 3
    assert sum(row[8] for row in found) == 5
    assert tenant.overflowed == 3


def test_tenants_past_the_limit_share_one_and_are_counted() -> None:
    state = Shard(Watermark(0), 1000, lambda name: Tenant(name, SETTINGS, RuleEngine([], name, 1000)), 2)
    for at in range(5):
        state.merge(requests(at, START, 1, 0)._replace(tenant=f"t{at}"), at)

    assert list(state.tenants) == ["t0", "t1", "__overflow__"]
    assert state.overflowed == 3
