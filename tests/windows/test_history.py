"""Series as rules see them: what a Prometheus server would have scraped."""

from streams.promql.matcher import Matcher
from streams.windows.history import FORGET_MS, History
from streams.windows.panes import Cell, Series

SECOND = 1000
REQUESTS = Series("requests_total", "counter", (("service", "s"),), 10 * SECOND)
LOAD = Series("load", "gauge", (("service", "s"),), 10 * SECOND)
LATENCY = Series("latency", "histogram", (("service", "s"),), 10 * SECOND)


def history(reach_ms: int = 3_600_000) -> History:
    return History(lambda name: True, reach_ms)


def counted(amount: float) -> Cell:
    return Cell(1, amount, amount, amount, amount, 0)


def look(store: History, name: str, start: int, end: int, now: int, live: bool = False) -> list[tuple[int, float]]:
    store.clock.set(now * SECOND, live)
    [series] = store.select([Matcher("__name__", "=", name)])
    times, values = series.samples(start * SECOND, end * SECOND)
    return [(time // SECOND, value) for time, value in zip(times, values, strict=True)]


def test_a_counter_starts_from_zero_before_its_first_increment() -> None:
    store = history()
    store.merge(REQUESTS, 60 * SECOND, counted(3.0))

    assert look(store, "requests_total", 0, 100, 100) == [(60, 0.0), (70, 3.0), (80, 3.0), (90, 3.0), (100, 3.0)]


def test_late_increments_raise_every_later_total() -> None:
    store = history()
    store.merge(REQUESTS, 60 * SECOND, counted(3.0))
    store.merge(REQUESTS, 80 * SECOND, counted(1.0))
    store.merge(REQUESTS, 70 * SECOND, counted(10.0))

    assert look(store, "requests_total", 60, 90, 100) == [(70, 3.0), (80, 13.0), (90, 14.0)]


def test_samples_after_now_are_not_seen() -> None:
    """Catching up, panes are merged before the clock has reached them."""
    store = history()
    store.merge(REQUESTS, 60 * SECOND, counted(3.0))
    store.merge(REQUESTS, 70 * SECOND, counted(1.0))

    assert look(store, "requests_total", 0, 100, 75) == [(60, 0.0), (70, 3.0)]


def test_the_open_pane_is_seen_at_the_live_edge_only() -> None:
    store = history()
    store.merge(REQUESTS, 60 * SECOND, counted(3.0))

    assert look(store, "requests_total", 0, 65, 65) == [(60, 0.0)]
    assert look(store, "requests_total", 0, 65, 65, live=True) == [(60, 0.0), (65, 3.0)]


def test_what_was_shown_at_the_live_edge_stays_shown() -> None:
    store = history()
    store.merge(REQUESTS, 60 * SECOND, counted(3.0))
    look(store, "requests_total", 0, 65, 65, live=True)
    store.merge(REQUESTS, 120 * SECOND, counted(1.0))

    assert look(store, "requests_total", 0, 67, 67) == [(60, 0.0), (67, 3.0)]
    assert look(store, "requests_total", 0, 125, 125)[-1] == (120, 3.0)


def test_pruning_keeps_the_total() -> None:
    store = history(reach_ms=20 * SECOND)
    for start in range(0, 100, 10):
        store.merge(REQUESTS, start * SECOND, counted(1.0))

    store.prune(100 * SECOND)

    assert look(store, "requests_total", 80, 100, 100) == [(90, 9.0), (100, 10.0)]


def test_a_gauge_shows_its_last_value_in_each_pane() -> None:
    store = history()
    store.merge(LOAD, 60 * SECOND, Cell(2, 5.0, 1.0, 4.0, 4.0, 65 * SECOND))
    store.merge(LOAD, 80 * SECOND, Cell(1, 7.0, 7.0, 7.0, 7.0, 81 * SECOND))

    assert look(store, "load", 0, 100, 100) == [(70, 4.0), (90, 7.0)]


def test_an_older_value_that_comes_late_does_not_replace_a_newer_one() -> None:
    store = history()
    store.merge(LOAD, 60 * SECOND, Cell(1, 4.0, 4.0, 4.0, 4.0, 65 * SECOND))
    store.merge(LOAD, 60 * SECOND, Cell(1, 9.0, 9.0, 9.0, 9.0, 61 * SECOND))

    assert look(store, "load", 0, 70, 70) == [(70, 4.0)]


def test_a_histogram_shows_cumulative_buckets() -> None:
    import numpy as np

    from streams.windows.sketch import indexes

    store = history()
    buckets = {int(index): 1 for index in indexes(np.array([0.02, 0.3, 20.0]))}
    store.merge(LATENCY, 0, Cell(3, 20.32, 0.02, 20.0, 20.0, 0, 0, buckets, {}))
    store.clock.now_ms = 10 * SECOND

    found = {
        series.labels["le"]: series.samples(0, 10 * SECOND)[1][-1]
        for series in store.select([Matcher("__name__", "=", "latency_bucket")])
    }
    assert (found["0.01"], found["0.025"], found["0.5"], found["10"], found["+Inf"]) == (0.0, 1.0, 2.0, 2.0, 3.0)
    assert look(store, "latency_count", 0, 10, 10) == [(10, 3.0)]
    assert look(store, "latency_sum", 0, 10, 10) == [(10, 20.32)]


def test_names_that_no_rule_reaches_are_not_kept() -> None:
    store = History(lambda name: name == "load", 60_000)
    store.merge(REQUESTS, 0, counted(1.0))
    store.merge(LATENCY, 0, counted(1.0))

    assert len(store) == 0


def test_a_series_without_observations_is_forgotten_in_the_end() -> None:
    store = history(reach_ms=SECOND)
    store.merge(REQUESTS, 0, counted(1.0))
    chosen, watch = store.watch((Matcher("__name__", "=", "requests_total"),))
    assert len(chosen) == 1

    store.prune(FORGET_MS + 60 * SECOND)

    assert list(store.select([Matcher("__name__", "=", "requests_total")])) == []
    assert (len(chosen), watch.changed.number) == (0, 1)


def test_the_newest_sample_is_found_without_the_others() -> None:
    store = history()
    store.merge(REQUESTS, 60 * SECOND, counted(3.0))
    store.clock.now_ms = 100 * SECOND
    [series] = store.select([Matcher("__name__", "=", "requests_total")])

    assert series.latest(-200 * SECOND, 100 * SECOND) == (100 * SECOND, 3.0)
    assert series.latest(-200 * SECOND, 65 * SECOND) == (60 * SECOND, 0.0)
    assert series.latest(-200 * SECOND, 59 * SECOND) is None


def test_a_snapshot_restores_every_kind() -> None:
    store = history()
    store.merge(REQUESTS, 60 * SECOND, counted(3.0))
    store.merge(LOAD, 60 * SECOND, Cell(1, 4.0, 4.0, 4.0, 4.0, 65 * SECOND))
    store.merge(LATENCY, 60 * SECOND, Cell(1, 4.0, 4.0, 4.0, 4.0, 65 * SECOND, 0, {100: 1}, {}))
    copy = history()
    copy.restore(store.snapshot())

    for name in ("requests_total", "load", "latency_count"):
        assert look(copy, name, 0, 100, 100) == look(store, name, 0, 100, 100)
