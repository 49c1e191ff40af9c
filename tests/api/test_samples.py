"""What queries see of stored panes is what rules saw of the same panes."""

from hypothesis import given
from hypothesis import strategies as st

from streams.promql import Labels, Matcher
from streams.stored.samples import Counted, Pane, instants, sampled, silences, stored_names
from streams.windows.histograms import LE_BOUNDS
from streams.windows.history import History
from streams.windows.panes import Cell, Kind, Series
from streams.windows.sketch import count_at_most

WIDTH = 10_000
HOUR = 3_600_000

panes = st.dictionaries(st.integers(0, 100), st.integers(1, 50), min_size=1, max_size=20)
"""Pane number -> how many events of value 2 are in it."""


def cell(count: int, start: int) -> Cell:
    return Cell(count, 2.0 * count, 2.0, 2.0, 2.0 + start, start + 1, 0, {63: count})


def shown_to_rules(kind: Kind, found: dict[int, int], now: int) -> dict[Labels, tuple[list[int], list[float]]]:
    """By the history that rules are evaluated over, at the live edge."""
    history = History(lambda _: True, HOUR)
    series = Series("x", kind, (("service", "shop"),), WIDTH)
    for number, count in sorted(found.items()):
        history.merge(series, number * WIDTH, cell(count, number * WIDTH))
    history.clock.set(now, live=True)
    shown = {Labels(each.labels): each.samples(-1, now) for each in history.select([Matcher("service", "=", "shop")])}
    return {labels: (list(times), list(values)) for labels, (times, values) in shown.items()}


def stored(kind: Kind, found: dict[int, int], now: int) -> dict[Labels, tuple[list[int], list[float]]]:
    rows = []
    for number, count in sorted(found.items()):
        one = cell(count, number * WIDTH)
        below = [count_at_most(bound, one.positive, {}, 0) for bound in LE_BOUNDS]
        rows.append(Pane(number * WIDTH, one.count, one.sum, one.last, below))
    shown = sampled("x", kind, {"service": "shop"}, rows, WIDTH, now)
    return {labels: (list(times), list(values)) for labels, times, values in shown}


@given(st.sampled_from(["counter", "gauge", "histogram"]), panes, st.integers(0, WIDTH))
def test_queries_see_the_samples_that_rules_saw(kind: Kind, found: dict[int, int], more: int) -> None:
    """At any instant within or after the last pane. Of a histogram, queries see every bucket at that instant."""
    now = max(found) * WIDTH + (WIDTH if kind == "histogram" else 1 + more)
    assert stored(kind, found, now) == shown_to_rules(kind, found, now)


def test_a_counter_ends_an_hour_after_it_last_grew_and_goes_on_from_its_total() -> None:
    times, held = instants([0, 3 * HOUR], WIDTH, 3 * HOUR + WIDTH)
    assert times[-3:] == [HOUR + WIDTH, 3 * HOUR, 3 * HOUR + WIDTH]
    assert held[-3:] == [1, 1, 2]


def test_a_total_includes_what_was_counted_before() -> None:
    (_, _, values), *_ = sampled(
        "x", "counter", {}, [Pane(0, 1, 4.0, 4.0, [])], WIDTH, WIDTH, earlier=Counted(0, 3, 100.0, [])
    )
    assert values == [100.0, 104.0]


def test_a_silent_component_is_down_after_half_a_minute_and_until_its_next_heartbeat() -> None:
    times, values = silences([0, 60_000], [1.0, 1.0], 70_000)
    assert list(zip(times, values, strict=True)) == [(0, 1), (31_000, 0), (41_000, 0), (51_000, 0), (60_000, 1)]


def test_a_bucket_may_be_of_a_histogram_or_be_a_name_itself() -> None:
    assert stored_names("x_bucket") == {"x", "x_bucket"}
