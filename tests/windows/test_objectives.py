"""Objectives in the second stage: the same rows, budgets and alerts however events are cut, and whatever crashes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.sla import Sla
from schemas.slo import Calendar, NoData, Objective, Ratio, Slices, Source, Threshold
from schemas.tables import COLUMNS
from streams.batch import Partition
from streams.rules.engine import RuleEngine
from streams.slo.ledger import UNIT
from streams.slo.promises import Promises
from streams.windows.deltas import PaneDelta, Pulse
from streams.windows.shard import Shard, references
from streams.windows.tenant import Settings, Tenant
from streams.windows.versions import decode
from streams.windows.watermark import Watermark
from tests.slo.objectives import PLACE, maintenance, objective
from tests.windows.test_shard import MINUTE, SOURCE, START, idle, requests, run, told, transitions
from tests.windows.test_shard import Seen as _Seen

FIRST = START // MINUTE
"""The minute of START."""


def source(*series: str, query: str = "") -> Source:
    return Source(series=series, query=query, place=PLACE)


REQUESTS = Ratio(
    bad=source('requests_total{service="shop",outcome="error"}'), total=source('requests_total{service="shop"}')
)
UPTIME = objective(name="uptime", service="shop", indicator=REQUESTS, burn_rates="google")
MINUTES = objective(
    name="minutes",
    service="shop",
    indicator=REQUESTS,
    method=Slices(minutes=1, target=Fraction(9, 10)),
    window=Calendar(unit="d", anchor="2024-01-01 00:00:00", zone="Europe/Berlin"),
    no_data=NoData(means="breach", after_minutes=2),
    burn_rates="google",
)
RATE = objective(
    name="rate",
    service="shop",
    indicator=Threshold(source=source(query='sum(rate(requests_total{service="shop"}[1m]))'), op="gte", value=0.1),
    burn_rates="google",
)
ALL = (UPTIME, MINUTES, RATE)


def shard(objectives: Sequence[Objective] = ALL, declared: Sequence[Any] = ()) -> Shard:
    of = Settings((MINUTE,), 10 * MINUTE, 1000, 1000, Sla(), promises=Promises(objectives, declared))
    return Shard(Watermark(500), 1000, lambda name: Tenant(name, of, RuleEngine([], name, 1000)))


class Seen(_Seen):
    """What a shard has given of objectives: the newest version of each row, and every alert."""

    def __init__(self) -> None:
        super().__init__()
        self.of: dict[str, dict[tuple[Any, ...], tuple[Any, ...]]] = {"objective_minutes": {}, "objective_budgets": {}}

    def advance(self, state: Shard) -> None:
        while True:
            output = state.advance(50)
            for table, newest in self.of.items():
                for row in output.rows.get(table, []):
                    assert len(row) == len(COLUMNS[table])
                    newest[row[:4]] = row[5:]
            self.alerts += output.alerts
            if not output.more:
                return

    @property
    def minutes(self) -> dict[tuple[Any, ...], tuple[Any, ...]]:
        return self.of["objective_minutes"]

    def budget(self, name: str, minute: int) -> dict[str, Any]:
        """The row that was counted at the end of that minute after START."""
        row = self.of["objective_budgets"]["default", name, "shop", (FIRST + minute) * MINUTE]
        return dict(zip(list(COLUMNS["objective_budgets"])[5:], row, strict=True))


def story(*minutes: tuple[int, int]) -> list[PaneDelta | Pulse]:
    """(good, bad) of each minute at its second 19, and then silence until the last one is over."""
    deltas = [requests(at, START + at * MINUTE + 19_000, *counts) for at, counts in enumerate(minutes)]
    end = START + len(minutes) * MINUTE
    return [*(part for delta in deltas for part in told(delta)), idle(end + 1_000), idle(end + 2_000)]


def seen_of(records: list[PaneDelta | Pulse], state: Shard) -> Seen:
    seen = run(records, state, Seen())
    assert isinstance(seen, Seen)
    return seen


def test_every_minute_gives_a_row_and_a_budget() -> None:
    seen = seen_of(story((9, 1), (10, 0), (0, 0), (20, 0)), shard([UPTIME]))

    key = ("default", "uptime", "shop")
    assert seen.minutes == {
        (*key, START): (UNIT, 10 * UNIT),
        (*key, START + MINUTE): (0, 10 * UNIT),
        (*key, START + 3 * MINUTE): (0, 20 * UNIT),
    }
    last = seen.budget("uptime", 4)
    assert (last["bad"], last["total"], last["seen_minutes"], last["unit"]) == (1.0, 40.0, 3, "events")
    assert (last["state"], last["remaining"], last["burn_rate"]) == ("exhausted", 0.0, 2.5)
    assert last["window_end"] - last["window_start"] == 60 * MINUTE


def test_minutes_in_which_nothing_comes_at_all_have_budgets_too() -> None:
    """However long nobody said anything: the clock passes every minute."""
    later = START + 30 * MINUTE
    seen = seen_of([part for at, when in enumerate((START, later)) for part in told(requests(at, when, 9, 1))], shard())

    assert [seen.budget("uptime", minute)["total"] for minute in range(1, 30)] == [10.0] * 29
    assert seen.budget("minutes", 29)["missing_minutes"] == 28


def test_late_data_revises_its_minute_and_the_budgets_after_it() -> None:
    late = requests(9, START + 19_000, 0, 5)
    records = story((10, 0), (10, 0), (10, 0))
    seen = seen_of(
        [*records, late, idle(START + 4 * MINUTE + 1_000), idle(START + 4 * MINUTE + 2_000)], shard([UPTIME])
    )

    assert seen.minutes["default", "uptime", "shop", START] == (5 * UNIT, 15 * UNIT)
    assert [seen.budget("uptime", minute)["bad"] for minute in (1, 3, 4)] == [0.0, 0.0, 5.0]


def test_a_burning_budget_alerts_at_the_end_of_its_minute_and_says_what_is_left() -> None:
    seen = seen_of(story((10, 0), (0, 10), (10, 0), (10, 0)), shard([MINUTES]))

    fired, resolved = (alert for alert in seen.alerts if alert.labels["severity"] == "page")
    assert (fired.state, resolved.state) == ("firing", "resolved")
    assert fired.changed_at_ms == START + 2 * MINUTE
    assert fired.labels == {"alertname": "BurnRate", "severity": "page", "objective": "minutes", "service": "shop"}
    assert fired.annotations["summary"].startswith("minutes burns its budget")
    assert fired.group == "f.yml;slo:minutes"


def test_nothing_fires_in_maintenance_and_its_time_does_not_count() -> None:
    planned = maintenance(f"{datetime.fromtimestamp(START // 1000, UTC):%Y-%m-%d %H:%M:%S}", 60)
    undisturbed, muted = (
        seen_of(story((10, 0), (0, 10), (10, 0)), shard([MINUTES], declared)) for declared in ([], [planned])
    )

    assert undisturbed.alerts
    assert not muted.alerts
    assert muted.minutes == undisturbed.minutes
    assert (muted.budget("minutes", 3)["bad"], muted.budget("minutes", 3)["excluded_minutes"]) == (0.0, 3)


def test_maintenance_declared_afterwards_changes_the_next_minute_and_ends_what_fires_in_it() -> None:
    promises = Promises([MINUTES])
    of = Settings((MINUTE,), 10 * MINUTE, 1000, 1000, Sla(), promises=promises)
    state, seen = Shard(Watermark(500), 1000, lambda name: Tenant(name, of, RuleEngine([], name, 1000))), Seen()
    run(story((10, 0), (0, 10)), state, seen)
    assert [alert.state for alert in seen.alerts if alert.labels["severity"] == "page"] == ["firing"]

    promises.maintenance[:] = [maintenance(f"{datetime.fromtimestamp(START // 1000 + 60, UTC):%Y-%m-%d %H:%M:%S}", 1)]
    quiet = [idle(START + 3 * MINUTE + wait) for wait in (1_000, 2_000)]
    run([*told(requests(10, START + 2 * MINUTE, 10, 0)), *quiet], state, seen, 100)

    assert (seen.budget("minutes", 2)["bad"], seen.budget("minutes", 2)["excluded_minutes"]) == (1.0, 0)
    assert (seen.budget("minutes", 3)["bad"], seen.budget("minutes", 3)["excluded_minutes"]) == (0.0, 1)
    assert [alert.state for alert in seen.alerts if alert.labels["severity"] == "page"] == ["firing", "resolved"]


def test_a_firing_alert_is_repeated_for_whoever_missed_it() -> None:
    state = shard([MINUTES])
    run(story((10, 0), (0, 10)), state, Seen())

    assert {alert.reason for alert in state.active()} == {"resend"}
    assert {alert.labels["severity"] for alert in state.active()} >= {"page"}


def test_rules_see_what_is_left_and_how_fast_it_goes() -> None:
    state = shard([UPTIME])
    state.tenant("default").history.wanted = lambda name: True
    run(story((99, 1), (100, 0)), state, Seen())

    shown = {
        dict(series.labels)["__name__"]: series.latest(0, START + 2 * MINUTE)
        for series in state.tenants["default"].history.select(())
        if dict(series.labels).get("objective") == "uptime"
    }
    assert shown["slo:period_error_budget_remaining:ratio"] == (START + 2 * MINUTE, 0.5)
    assert shown["slo:current_burn_rate:ratio"] == (START + 2 * MINUTE, 0.5)


def test_what_a_tenant_does_not_have_is_not_evaluated() -> None:
    other = objective(name="other", service="search", indicator=Ratio(bad=source("no"), total=source("nothing")))
    seen = seen_of(story((10, 0), (10, 0)), shard([UPTIME, other]))

    assert {key[1] for key in seen.of["objective_budgets"]} == {"uptime"}


def test_an_objective_that_is_gone_from_the_files_is_forgotten_and_another_begins() -> None:
    state = shard([UPTIME])
    run(story((10, 0), (10, 0)), state, Seen())
    successor = shard([MINUTES])
    successor.restore(decode(state.snapshot()))
    records = [part for at in (3, 4) for part in told(requests(at + 10, START + at * MINUTE, 10, 0))]
    seen = run(records, successor, Seen(), 100)

    assert isinstance(seen, Seen)
    assert {key[1] for key in seen.of["objective_budgets"]} == {"minutes"}


def test_minutes_that_are_packed_are_kept_apart_until_late_data_changes_them() -> None:
    """What a snapshot refers to it need not hold; what is not there any more is never taken for what is."""
    state = shard([UPTIME])
    hours = [requests(at, START + at * 60 * MINUTE, 10, 1) for at in range(30)]
    run([part for delta in hours for part in told(delta)], state, Seen())
    before = state.packed()
    bundle = {name: f"bundle of {name}" for name in before}
    packed = state.snapshot(bundle)
    assert len(packed) < len(state.snapshot())
    assert references(decode(packed)).items() <= bundle.items()
    late = told(requests(99, START + 8 * 60 * MINUTE, 0, 7))
    run(late, state, Seen(), 100)
    assert not state.packed().keys() >= before.keys()

    successor = shard([UPTIME])
    successor.restore(decode(packed), before)
    run(late, successor, Seen(), 100)

    assert successor.snapshot() == state.snapshot()


batches = st.lists(st.tuples(st.integers(0, 600), st.integers(0, 20), st.integers(0, 5)), min_size=1, max_size=20)


@settings(deadline=None, max_examples=12)
@given(batches, st.data())
def test_a_crash_at_any_point_changes_no_row_and_no_alert(
    events: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    """Late events too: they come in any order."""
    end = START + 11 * MINUTE
    records = [
        part
        for at, (second, *counts) in enumerate(events)
        for part in told(requests(at, START + second * 1000, *counts))
    ]
    records += [idle(end + 1_000), idle(end + 2_000)]
    saved = data.draw(st.integers(0, len(records)), label="saved")
    crashed = data.draw(st.integers(saved, len(records)), label="crashed")
    undisturbed = seen_of(records, shard())

    state, seen = shard(), Seen()
    run(records[:saved], state, seen)
    packed = state.snapshot()
    run(records[saved:crashed], state, seen, saved)
    successor = shard()
    successor.restore(decode(packed))
    run(records[saved:], successor, seen, saved)

    assert seen.of == undisturbed.of
    assert transitions(seen) == transitions(undisturbed)


@settings(deadline=None, max_examples=12)
@given(batches, st.data())
def test_how_events_are_cut_into_batches_and_partitions_changes_nothing(
    events: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    """Everything arrives before its minute is over; then who brought it, and with what, makes no difference."""
    ordered = sorted(events)
    partitions = [SOURCE, Partition("metrics", 1), Partition("metrics", 2)]
    cut: list[PaneDelta | Pulse] = [Pulse(wall_ms=START, expected=partitions)]
    for at, (second, good, bad) in enumerate(ordered):
        when, part = START + second * 1000, data.draw(st.integers(0, good), label="good in the first")
        first, second_ = data.draw(st.permutations(partitions), label="partitions")[:2]
        cut += [requests(2 * at, when, part, bad, first), requests(2 * at + 1, when, good - part, 0, second_)]
        cut.append(Pulse(wall_ms=when, seen=[(each, when, when) for each in partitions]))
    whole = [
        part
        for at, (second, *counts) in enumerate(ordered)
        for part in told(requests(at, START + second * 1000, *counts))
    ]
    end = START + 11 * MINUTE
    quiet = [Pulse(wall_ms=end + wait, idle=partitions) for wait in (1_000, 2_000)]
    together, apart = (seen_of([*records, *quiet], shard()) for records in (whole, cut))

    assert apart.of == together.of
    assert transitions(apart) == transitions(together)
