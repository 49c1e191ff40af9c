"""Budgets, against a model that keeps every minute by itself; and the rules about little, no and excluded data."""

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.slo import Calendar, Method, NoData, Objective, Occurrences, RatioSlices, Rolling, Slices, Unit
from streams.slo.budget import Meter
from streams.slo.ledger import CHUNK_MINUTES, UNIT, Ledger
from streams.slo.measures import RATIO, measure_of, weight_of
from tests.slo.objectives import maintenance, objective
from tests.slo.test_windows import OF, START, YEARS, clock

DAY = 29_000_160
"""A midnight (UTC) that begins a chunk."""

METHODS: list[Method] = [
    Occurrences(),
    Slices(minutes=1, target=Fraction(9, 10)),
    Slices(minutes=5, op="gt", target=Fraction(1, 2)),
    RatioSlices(minutes=10),
]

Event = tuple[int, int, int]
"""Minute after DAY, bad, total."""

events = st.lists(
    st.tuples(st.integers(0, 3 * CHUNK_MINUTES), st.integers(0, 3), st.integers(0, 20)).map(
        lambda event: (event[0], min(event[1], event[2]), event[2])
    ),
    max_size=60,
)


def meter(objective: Objective, happened: Sequence[Event], **more: object) -> Meter:
    ledger = Ledger(measure_of(objective))
    for minute, bad, total in happened:
        ledger.add(DAY + minute, bad * UNIT, total * UNIT)
    return Meter(objective, ledger, DAY, **more)  # type: ignore[arg-type]


def model(method: Method, happened: Sequence[Event], start: int, end: int) -> tuple[Fraction, Fraction]:
    """(bad, total) of [start, end), added up one event after the other."""
    length = 1 if isinstance(method, Occurrences) else method.minutes
    start, end = -(-start // length) * length, end // length * length
    parts: dict[int, list[int]] = {}
    for minute, bad, total in happened:
        if start <= minute < end:
            part = parts.setdefault(minute // length, [0, 0])
            part[0] += bad
            part[1] += total
    found = [(Fraction(bad), Fraction(total)) for bad, total in parts.values() if total]
    if isinstance(method, Slices):
        good = [(total - bad) / total for bad, total in found]
        met = [ratio > method.target if method.op == "gt" else ratio >= method.target for ratio in good]
        found = [(Fraction(not is_met), Fraction(1)) for is_met in met]
    elif isinstance(method, RatioSlices):
        found = [(Fraction(bad * RATIO // total, RATIO), Fraction(1)) for bad, total in found]
    return sum((bad for bad, _ in found), Fraction()), sum((total for _, total in found), Fraction())


@given(events, st.sampled_from(METHODS), st.integers(0, 1000), st.integers(1, 1100))
def test_a_stretch_is_the_sum_of_its_minutes(happened: list[Event], method: Method, start: int, length: int) -> None:
    observed = meter(objective(method=method), happened).observe(DAY + start, DAY + start + length)
    weight = weight_of(method)

    assert (Fraction(observed.bad, weight), Fraction(observed.total, weight)) == model(
        method, happened, start, start + length
    )


@given(events, st.data(), st.sampled_from(METHODS))
def test_any_split_order_and_restart_gives_the_same_budget(
    happened: list[Event], data: st.DataObject, method: Method
) -> None:
    """Batches, partitions and late arrivals are an order and a split; a restart is a snapshot between two of them."""
    promise = objective(method=method, no_data=NoData(means="breach", after_minutes=3))
    whole = meter(promise, happened)

    ledger = Ledger(measure_of(promise))
    for minute, bad, total in data.draw(st.permutations(happened)):
        part = data.draw(st.integers(0, total), label="in the first partition")
        first_bad = min(bad, part)
        ledger.add(DAY + minute, first_bad * UNIT, part * UNIT)
        ledger.add(DAY + minute, (bad - first_bad) * UNIT, (total - part) * UNIT)
        step = data.draw(st.sampled_from(["", "restart", "settle", "look"]), label="then")
        if step == "restart":
            restored = Ledger(measure_of(promise))
            restored.restore(ledger.snapshot())
            ledger = restored
        elif step == "settle":
            ledger.settle(DAY + data.draw(st.integers(0, 4 * CHUNK_MINUTES), label="settled before"))
        elif step == "look":
            ledger.tally(DAY, DAY + 4 * CHUNK_MINUTES)

    assert ledger.snapshot() == whole.ledger.snapshot()
    assert ledger.tally(DAY, DAY + 4 * CHUNK_MINUTES) == whole.ledger.tally(DAY, DAY + 4 * CHUNK_MINUTES)
    now = DAY + data.draw(st.integers(1, 3 * CHUNK_MINUTES), label="now")
    again = Meter(promise, ledger, DAY)
    assert again.budget(now) == whole.budget(now)
    assert again.burn_rate(now, 60) == whole.burn_rate(now, 60)


@given(events)
def test_gaps_are_the_runs_of_minutes_in_which_nothing_came(happened: list[Event]) -> None:
    promise = objective()
    come = {minute for minute, _, _ in happened}
    missing = "".join(" " if minute in come else "." for minute in range(1000))

    found = meter(promise, happened).ledger.gaps(DAY, DAY + 1000)

    assert [run for run in missing.split(" ") if run] == ["." * (last - first) for first, last in found]
    assert all(missing[first - DAY : last - DAY] == "." * (last - first) for first, last in found)


def test_the_budget_of_events_is_a_share_of_those_that_came() -> None:
    found = meter(objective(), [(minute, int(minute < 3), 10) for minute in range(60)]).budget(DAY + 60)

    assert (found.achieved, found.used, found.remaining) == (Fraction(597, 600), Fraction(1, 2), Fraction(1, 2))
    assert found.state == "ok"
    assert found.exhausted_after(Fraction(2)) == 15


def test_an_overdrawn_budget_is_exhausted_and_says_by_how_much() -> None:
    found = meter(objective(), [(minute, 1, 10) for minute in range(60)]).budget(DAY + 60)

    assert (found.state, found.used, found.remaining) == ("exhausted", 10, 0)
    assert found.exhausted_after(Fraction(10)) == 0


def test_the_budget_of_slices_is_a_share_of_the_whole_window() -> None:
    """Half of a day has passed, and what may be bad is already known for all of it."""
    promise = objective(
        method=Slices(minutes=1, target=Fraction(1)),
        window=Calendar(unit="d", anchor="2024-01-01 00:00:00", zone="UTC"),
    )

    found = meter(promise, [(minute, int(minute < 7), 10) for minute in range(720)]).budget(DAY + 720)

    assert found.allowed == Fraction(1440, 100) * UNIT
    assert found.used == 7 / Fraction(1440, 100)


def test_few_events_are_not_enough_data() -> None:
    promise = objective(minimum_events=100)
    quiet = meter(promise, [(5, 1, 99)]).budget(DAY + 60)
    busy = meter(promise, [(5, 1, 99), (6, 0, 1)]).budget(DAY + 60)

    assert (quiet.state, quiet.achieved, quiet.used) == ("not enough data", None, None)
    assert (busy.state, busy.achieved) == ("exhausted", Fraction(99, 100))


def test_nothing_is_no_data_and_never_100_percent() -> None:
    found = meter(objective(), []).budget(DAY + 60)

    assert (found.state, found.achieved, found.observed.missing) == ("no data", None, 60)


@pytest.mark.parametrize(
    ("means", "bad", "total", "missing", "excluded"),
    [("breach", 200, 600, 20, 0), ("gap", 0, 400, 20, 0), ("excluded", 0, 400, 0, 20)],
)
def test_silence_is_what_the_file_says(means: str, bad: int, total: int, missing: int, excluded: int) -> None:
    """20 of 60 minutes are missing; those of a breach weigh as much as the mean of the others."""
    promise = objective(no_data=NoData(means=means, after_minutes=5))  # type: ignore[arg-type]
    happened = [(minute, 0, 10) for minute in range(60) if not 20 <= minute < 40]

    found = meter(promise, happened).observe(DAY, DAY + 60)

    assert (found.bad // UNIT, found.total // UNIT) == (bad, total)
    assert (found.missing, found.excluded) == (missing, excluded)


def test_a_short_silence_means_nothing() -> None:
    promise = objective(no_data=NoData(means="breach", after_minutes=20))
    happened = [(minute, 0, 10) for minute in range(60) if not 20 <= minute < 40]

    assert meter(promise, happened).observe(DAY, DAY + 60).bad == 0


def test_a_silence_that_began_before_the_lookback_is_seen() -> None:
    """The last 3 minutes alone would be shorter than what is allowed."""
    promise = objective(no_data=NoData(means="breach", after_minutes=10))

    found = meter(promise, [(minute, 0, 10) for minute in range(48)]).observe(DAY + 57, DAY + 60)

    assert (found.missing, found.bad) == (3, 3 * UNIT)


def test_a_slice_with_just_enough_events_counts() -> None:
    promise = objective(method=Slices(minutes=1, target=Fraction(1)), minimum_events=10)

    found = meter(promise, [(0, 0, 9), (1, 0, 10), (2, 1, 11)]).observe(DAY, DAY + 60)

    assert (found.bad // UNIT, found.total // UNIT) == (1, 2)


def test_a_silent_time_slice_is_bad_when_silence_is_a_breach() -> None:
    promise = objective(
        method=Slices(minutes=5, target=Fraction(9, 10)), no_data=NoData(means="breach", after_minutes=5)
    )
    happened = [(minute, 0, 10) for minute in range(60) if not 18 <= minute < 40]

    found = meter(promise, happened).observe(DAY, DAY + 60)

    assert (found.bad // UNIT, found.total // UNIT) == (4, 12)


def test_maintenance_does_not_burn_the_budget() -> None:
    """Ten minutes of nothing but errors, declared for one service; 2025-02-20 is the day that DAY begins."""
    happened = [(minute, 10 * (20 <= minute < 30), 10) for minute in range(60)]
    declared = [maintenance("2025-02-20 00:20:00", 10, services=("checkout",))]
    of_others = [maintenance("2025-02-20 00:20:00", 10, services=("search",))]

    found = meter(objective(), happened, maintenance=declared).budget(DAY + 60)
    burnt = meter(objective(), happened, maintenance=of_others).budget(DAY + 60)

    assert (found.achieved, found.observed.excluded) == (1, 10)
    assert burnt.achieved == Fraction(5, 6)


def test_maintenance_takes_whole_slices() -> None:
    promise = objective(method=Slices(minutes=5, target=Fraction(1)), window=Rolling(60))
    happened = [(minute, 10 * (22 <= minute < 28), 10) for minute in range(60)]

    found = meter(promise, happened, maintenance=[maintenance("2025-02-20 00:22:00", 6)]).budget(DAY + 60)

    assert (found.observed.excluded, found.observed.total // UNIT, found.achieved) == (10, 10, 1)


def test_a_quarter_of_a_year_of_one_objective_is_small() -> None:
    """200 of them have to fit: 90 days of noisy minutes take less than 400 kB, packed."""
    promise = objective(window=Rolling(129_600))
    ledger = Ledger(measure_of(promise))
    for minute in range(DAY, DAY + 129_600):
        noise = minute * 2_654_435_761 % 4096
        ledger.add(minute, (noise > 4000) * UNIT, (2000 + noise) * UNIT)
    ledger.settle(DAY + 129_600)

    assert sum(len(chunk.packed) for chunk in ledger.snapshot()) < 400_000
    assert Meter(promise, ledger, DAY).budget(DAY + 129_600).observed.seen == 129_600


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Asia/Kolkata"])
def test_two_years_of_calendar_budgets_are_what_the_wall_says(zone: str) -> None:
    """An event every half hour; each window has those whose wall time has its name, none more and none less."""
    ledger = Ledger(measure_of(objective()))
    expected: dict[Unit, dict[object, list[int]]] = {unit: {} for unit in OF}
    for index, (minute, wall) in enumerate(zip(YEARS, clock(zone), strict=True)):
        bad = int(index % 97 == 0)
        ledger.add(minute, bad * UNIT, UNIT)
        for unit, name in OF.items():
            found = expected[unit].setdefault(name(wall), [0, 0, 0])
            found[:] = found[0] + bad, found[1] + 1, minute

    for unit, windows in expected.items():
        promise = objective(window=Calendar(unit=unit, anchor="2024-01-01 00:00:00", zone=zone))
        meter = Meter(promise, ledger, START)
        for bad, total, last in windows.values():
            observed = meter.budget(last + 1).observed
            assert (observed.bad, observed.total) == (bad * UNIT, total * UNIT)
