"""Windows by columns give what windows cell by cell give, whenever they are closed, taken, packed or restored."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.windows.catalogue import Described
from streams.windows.columns import Columns, batch, combined, empty
from streams.windows.packed import pack, unpack
from streams.windows.panes import Cell
from streams.windows.revisable import Key, RevisableWindows
from streams.windows.rows import Block, rows
from streams.windows.sketch import indexes, quantiles
from streams.windows.tumbling import Windows

SIZES, LATENESS = (60_000, 90_000), 120_000
NAMES = {number: Described(f"m{number}", "shop", "{}", "gauge") for number in range(4)}

values = st.lists(st.sampled_from([0.0, 0.1, -0.3, 7.25, 1e9, -1e-9, 123.456]), min_size=1, max_size=4)
cells = st.tuples(st.just("cell"), st.integers(0, 3), st.integers(0, 600), values)
steps = st.lists(
    st.one_of(cells, st.tuples(st.just("close"), st.integers(0, 90)), st.just(("take",)), st.just(("restart",))),
    max_size=60,
)


def cell(at_ms: int, observed: list[float]) -> Cell:
    made = Cell(len(observed), 0.0, min(observed), max(observed), observed[-1], at_ms, observed.count(0.0))
    made.positive, made.negative = {}, {}
    for value in observed:
        made.sum += value
        if value:
            buckets = made.positive if value > 0 else made.negative
            index = int(indexes(np.array([value]))[0])
            buckets[index] = buckets.get(index, 0) + 1
    return made


def row(cell: Cell) -> list[Any]:
    found = quantiles((0.5, 0.9, 0.95, 0.99), cell.positive, cell.negative, cell.zeros, cell.min, cell.max)
    return [cell.count, cell.sum, cell.min, cell.max, cell.last, *found, cell.zeros, cell.positive, cell.negative]


_COLUMNS = ("count", "sum", "min", "max", "last", "p50", "p90", "p95", "p99", "zero_count", "buckets")


def taken(windows: RevisableWindows) -> dict[tuple[int, int, str], list[Any]]:
    blocks = [
        Block("default", key, 1, [NAMES[number] for number in columns.cells["series"].tolist()], columns)
        for key, columns in windows.take()
    ]
    if not blocks:
        return {}
    made = rows(blocks)
    names = [made["name"].values[code] for code in made["name"].codes]  # type: ignore[union-attr]
    columns = [list(made[name]) for name in (*_COLUMNS, "negative_buckets")]  # type: ignore[arg-type]
    keys = zip((made["window_seconds"] * 1000).tolist(), made["window_start"].tolist(), names, strict=True)  # type: ignore[operator, union-attr]
    return dict(zip(keys, map(list, zip(*columns, strict=True)), strict=True))


@given(steps)
def test_columns_give_the_rows_that_cells_give(steps: list[tuple[Any, ...]]) -> None:
    """Whatever comes in whatever order: the newest rows are the same, sums but for the order of additions."""
    reference: Windows[int, Cell] = Windows(SIZES, LATENESS)
    windows = RevisableWindows(SIZES, LATENESS)
    expected: dict[tuple[int, int, str], list[Any]] = {}
    found: dict[tuple[int, int, str], list[Any]] = {}
    watermark = 0
    for step, *what in [*steps, ("close", 2_000), ("take",)]:
        if step == "cell":
            number, second, observed = what
            reference.merge(number, second * 1000, cell(second * 1000, observed), watermark)
            windows.merge(batch([(number, second * 1000, cell(second * 1000, observed))]), watermark)
        elif step == "close":
            watermark += what[0] * 1000
            closed = reference.close(watermark)
            expected |= {(size, start, f"m{number}"): row(each) for size, start, number, each in closed}
            windows.close(watermark)
        elif step == "take":
            found |= taken(windows)
        else:
            packed = windows.packed()
            states = windows.snapshot(dict.fromkeys(list(packed)[::2], "elsewhere"))
            counted = windows.dropped, windows.revised
            windows = RevisableWindows(SIZES, LATENESS)
            windows.restore(states, packed)
            windows.dropped, windows.revised = counted

    assert found.keys() == expected.keys()
    for at, wanted in expected.items():
        assert np.isclose(found[at][1], wanted[1], rtol=1e-12, atol=1e-15)
        assert found[at][:1] + found[at][2:] == wanted[:1] + wanted[2:]
    assert (windows.dropped, windows.revised) == (reference.dropped, reference.revised)


def test_rows_that_nobody_takes_wait_beyond_the_lateness() -> None:
    """ClickHouse may be away for longer than a window takes late events."""
    windows = RevisableWindows((60_000,), 0)
    windows.merge(batch([(0, 0, cell(0, [1.0]))]), 0)
    windows.close(60_000)
    windows.close(10**9)

    assert [key for key, _ in windows.take()] == [Key(60_000, 0)]
    windows.close(10**9 + 1)
    assert len(windows) == 0


def test_a_window_that_is_open_is_not_packed_and_one_that_is_closed_is_for_good() -> None:
    windows = RevisableWindows((60_000,), 60_000)
    windows.merge(batch([(0, 0, cell(0, [1.0]))]), 0)
    assert windows.packed() == {}

    windows.close(60_000)
    packed = windows.packed()
    windows.merge(batch([(0, 1, cell(1, [2.0]))]), 60_000)
    windows.close(61_000)

    assert windows.packed() == packed
    assert [columns.cells["sum"].tolist() for _, columns in windows.take()] == [[3.0]]


@given(st.dictionaries(st.integers(0, 2**32 - 1), values, max_size=30))
def test_packed_columns_are_what_they_were(given: dict[int, list[float]]) -> None:
    columns = combined(empty(), _columns(given))

    again = unpack(pack(columns))

    assert all((a == b).all() for a, b in zip(again, columns, strict=True))


def _columns(given: dict[int, list[float]]) -> Columns:
    made = batch([(number, 0, cell(10**12, given[number])) for number in sorted(given)])
    keys = made.keys()
    order = np.argsort(keys)
    return Columns(made.cells, keys[order], made.counts[order])


def test_a_closed_window_of_many_series_takes_little_room() -> None:
    """One observation a series: what a scrape every ten seconds gives."""
    count = 20_000
    random = np.random.default_rng(1)
    observed = np.round(np.exp(random.normal(3.5, 1.0, count)), 3).tolist()
    windows = RevisableWindows((10_000,), 600_000)
    made = [(at, 0, cell(at % 10_000, [value])) for at, value in enumerate(observed)]
    windows.merge(batch(made), 0)
    windows.close(10_000)

    assert windows.packed_bytes() < 16 * count
