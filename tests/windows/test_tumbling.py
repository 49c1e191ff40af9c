"""Windows close on the watermark, are revised by late data, and count what comes too late."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from streams.windows.panes import Cell
from streams.windows.tumbling import Windows

MINUTE = 60_000


def cell(value: float, at_ms: int = 0) -> Cell:
    return Cell(1, value, value, value, value, at_ms)


def sums(windows: Windows[str, Cell], watermark: int) -> dict[tuple[int, int, str], float]:
    return {(size, start, key): row.sum for size, start, key, row in windows.close(watermark)}


def test_a_window_is_closed_at_its_end_and_not_before() -> None:
    """start |----x----| end ; watermark one millisecond before the end, then at it."""
    windows: Windows[str, Cell] = Windows([MINUTE], 0)
    windows.merge("a", 30_000, cell(2.0), 0)

    assert sums(windows, MINUTE - 1) == {}
    assert sums(windows, MINUTE) == {(MINUTE, 0, "a"): 2.0}
    assert sums(windows, MINUTE + 1) == {}


def test_an_event_at_the_end_belongs_to_the_next_window() -> None:
    windows: Windows[str, Cell] = Windows([MINUTE], 0)
    windows.merge("a", MINUTE, cell(1.0), 0)

    assert sums(windows, 2 * MINUTE) == {(MINUTE, MINUTE, "a"): 1.0}


def test_late_data_sends_the_whole_row_again() -> None:
    windows: Windows[str, Cell] = Windows([MINUTE], MINUTE)
    windows.merge("a", 0, cell(1.0), 0)
    windows.merge("b", 0, cell(5.0), 0)
    assert len(sums(windows, MINUTE)) == 2

    windows.merge("a", 10_000, cell(2.0), MINUTE)

    assert sums(windows, MINUTE) == {(MINUTE, 0, "a"): 3.0}


def test_data_past_the_lateness_is_counted_and_changes_nothing() -> None:
    windows: Windows[str, Cell] = Windows([MINUTE], MINUTE)
    windows.merge("a", 0, cell(1.0), 0)
    sums(windows, 2 * MINUTE)

    windows.merge("a", 10_000, cell(2.0), 2 * MINUTE)

    assert sums(windows, 3 * MINUTE) == {}
    assert windows.dropped == {MINUTE: 1}
    assert len(windows) == 0


def test_a_pane_goes_into_one_window_of_every_size() -> None:
    windows: Windows[str, Cell] = Windows([MINUTE, 5 * MINUTE], 0)
    windows.merge("a", 6 * MINUTE, cell(1.0), 0)

    assert sums(windows, 10 * MINUTE) == {(MINUTE, 6 * MINUTE, "a"): 1.0, (5 * MINUTE, 5 * MINUTE, "a"): 1.0}


events = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 599), st.integers(0, 100)), max_size=80)


@given(events, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter_within_the_lateness(events: list[tuple[str, int, int]], random) -> None:  # type: ignore[no-untyped-def]
    """Last rows equal a recomputation, whatever the order and however often windows were closed in between."""
    truth: dict[tuple[int, int, str], float] = defaultdict(float)
    for key, second, value in events:
        for size in (MINUTE, 5 * MINUTE):
            start = second * 1000 - second * 1000 % size
            truth[size, start, key] += value
    shuffled = list(events)
    random.shuffle(shuffled)
    windows: Windows[str, Cell] = Windows([MINUTE, 5 * MINUTE], 10**9)
    found: dict[tuple[int, int, str], float] = {}
    watermark = 0
    for key, second, value in shuffled:
        windows.merge(key, second * 1000, cell(float(value)), watermark)
        watermark = max(watermark, second * 1000)
        found |= sums(windows, watermark)
    found |= sums(windows, 10**8)

    assert found == truth


@given(events)
def test_a_restored_snapshot_goes_on_where_the_original_was(events: list[tuple[str, int, int]]) -> None:
    original: Windows[str, Cell] = Windows([MINUTE], 10**9)
    for key, second, value in events[::2]:
        original.merge(key, second * 1000, cell(float(value)), 0)
    sums(original, 3 * MINUTE)
    copy: Windows[str, Cell] = Windows([MINUTE], 10**9)
    copy.restore([(size, start, [(k, c.copy(), x) for k, c, x in cells]) for size, start, cells in original.snapshot()])

    for windows in (original, copy):
        for key, second, value in events[1::2]:
            windows.merge(key, second * 1000, cell(float(value)), 3 * MINUTE)

    assert sums(copy, 10**8) == sums(original, 10**8)
