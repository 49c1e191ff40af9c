"""What is only counted becomes the same cells as if it were folded like everything else."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.ingest.counted import counted, joined
from streams.ingest.fold import cells
from streams.windows.columns import Batch
from streams.windows.series import SeriesTable

NOW_MS, PANE_MS = 1_795_342_530_125, 10_000

COUNTERS = [0, 2, 4, 4]
"""Series of verdicts; those that differ in their reasons alone have one."""

instants = st.integers(NOW_MS - 40_000, NOW_MS) | st.sampled_from([NOW_MS - 86_400_000 * day for day in range(40)])
verdicts = st.lists(st.tuples(st.integers(0, len(COUNTERS) - 1), instants), min_size=1, max_size=60)
others = st.lists(st.tuples(st.sampled_from([1, 3, 5]), instants, st.floats(-1e6, 1e6)), min_size=1, max_size=60)


def table() -> SeriesTable:
    """Counters at even numbers; between them what has a distribution."""
    made = SeriesTable()
    for number in range(6):
        made.intern(number, "default", f"series_{number}", "gauge" if number % 2 else "counter", {}, PANE_MS)
    return made


def said(batch: Batch) -> list[list[object]]:
    return [column.tolist() for column in batch]


@given(verdicts)
def test_each_verdict_adds_one_to_the_pane_of_its_series(seen: list[tuple[int, int]]) -> None:
    which, times = map(np.array, zip(*seen, strict=True))
    series = np.array(COUNTERS)

    assert said(counted(series, which, times, PANE_MS)) == said(
        cells(table(), series[which], times, np.ones(len(times)))
    )


@given(verdicts, others)
def test_with_other_observations_they_are_in_the_order_of_their_series(
    seen: list[tuple[int, int]], more: list[tuple[int, int, float]]
) -> None:
    which, times = map(np.array, zip(*seen, strict=True))
    ids, others_times, values = map(np.array, zip(*more, strict=True))
    series = np.array(COUNTERS)

    apart = joined(counted(series, which, times, PANE_MS), cells(table(), ids, others_times, values))

    together = (np.append(series[which], ids), np.append(times, others_times), np.append(np.ones(len(times)), values))
    assert said(apart) == said(cells(table(), *together))
