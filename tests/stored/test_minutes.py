"""Minutes by columns give what a ledger gives of the same minutes."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from schemas.slo import Maintenance, Method, NoData, Objective, Occurrences, Ratio, RatioSlices, Rolling, Slices, Source
from schemas.yamltext import Place
from streams.slo.budget import Meter
from streams.slo.ledger import UNIT, Ledger
from streams.slo.measures import measure_of, slice_minutes
from streams.stored.minutes import StoredMinutes

PLACE = Place("slo.yml", 1, 1)
FIRST = 29_000_000 // 360 * 360 - 45

METHODS: st.SearchStrategy[Method] = st.one_of(
    st.just(Occurrences()),
    st.builds(
        Slices,
        minutes=st.sampled_from([1, 5, 12, 60]),
        op=st.sampled_from(["gte", "gt", "lt", "lte"]),
        target=st.sampled_from([Fraction(1, 2), Fraction(9, 10), Fraction(2, 3)]),
    ),
    st.builds(RatioSlices, minutes=st.sampled_from([1, 5, 30])),
)
COUNTS = st.one_of(st.integers(0, 20).map(lambda count: count * UNIT), st.integers(0, 2**40))
MINUTES = st.dictionaries(st.integers(0, 800), st.tuples(COUNTS, COUNTS), max_size=60)
MAINTENANCE = st.lists(
    st.builds(
        lambda hour, minutes: Maintenance(
            name="m", start=f"2025-02-{20 + hour // 24} {hour % 24:02}:17:00", minutes=minutes, place=PLACE
        ),
        st.integers(0, 48),
        st.integers(1, 300),
    ),
    max_size=2,
)


def objective(method: Method, means: str, minimum: int) -> Objective:
    return Objective(
        name="o",
        service="s",
        indicator=Ratio(bad=Source(series=("b",), place=PLACE), total=Source(series=("t",), place=PLACE)),
        target=Fraction(2, 3),
        method=method,
        window=Rolling(600),
        minimum_events=minimum,
        no_data=NoData(means=means, after_minutes=7),  # type: ignore[arg-type]
        place=PLACE,
    )


def both(of: Objective, minutes: dict[int, tuple[int, int]]) -> tuple[Ledger, StoredMinutes]:
    ledger = Ledger(measure_of(of))
    found = {FIRST + at: (min(bad, total), total) for at, (bad, total) in minutes.items()}
    for minute, (bad, total) in found.items():
        ledger.add(minute, bad, total)
    ordered = sorted(found)
    columns = (np.array([found[at][column] for at in ordered], np.int64) for column in (0, 1))
    return ledger, StoredMinutes(of, np.array(ordered, np.int64), *columns)


@given(
    METHODS,
    st.sampled_from(["gap", "breach", "excluded"]),
    st.integers(0, 30),
    MINUTES,
    st.integers(-50, 800),
    MAINTENANCE,
)
def test_budgets_of_any_stretch_are_those_of_a_ledger(
    method: Method,
    means: str,
    minimum: int,
    minutes: dict[int, tuple[int, int]],
    start: int,
    maintenance: list[Maintenance],
) -> None:
    of = objective(method, means, minimum)
    ledger, stored = both(of, minutes)
    start, end = FIRST + start, FIRST + start + 333

    expected, found = (Meter(of, each, FIRST, maintenance) for each in (ledger, stored))
    assert found.observe(start, end) == expected.observe(start, end)
    assert found.budget(end) == expected.budget(end)
    assert stored.gaps(start, end, 7) == ledger.gaps(start, end, 7)


@given(METHODS, MINUTES)
def test_minutes_are_down_that_miss_the_target_by_themselves(
    method: Method, minutes: dict[int, tuple[int, int]]
) -> None:
    of = objective(method, "gap", 0)
    _, stored = both(of, minutes)
    length = slice_minutes(method)
    start, end = (edge // length * length for edge in (FIRST, FIRST + 900))
    found: dict[int, list[int]] = {}
    for at, (bad, total) in minutes.items():
        each = found.setdefault((FIRST + at) // length, [0, 0])
        each[0], each[1] = each[0] + min(bad, total), each[1] + total

    def is_down(bad: int, total: int) -> bool:
        share = Fraction(total - bad, total)
        if not isinstance(method, Slices):
            return share < of.target
        return {
            "gte": share < method.target,
            "gt": share <= method.target,
            "lt": share >= method.target,
            "lte": share > method.target,
        }[method.op]

    assert stored.down(start, end) == length * sum(is_down(*each) for each in found.values() if each[1])


def test_sums_may_be_larger_than_64_bits() -> None:
    of = objective(Occurrences(), "gap", 0)
    large = 2**62
    stored = StoredMinutes(of, np.arange(10, dtype=np.int64), np.full(10, large), np.full(10, large))

    assert stored.tally(0, 10).total == 10 * large
