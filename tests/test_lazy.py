"""A lazy column is read like any other, and what it holds is made when it is read."""

import numpy as np
from numpy.typing import NDArray

from streams.batch import concatenated
from streams.lazy import Lazy


def numbers(count: int, made: list[int]) -> Lazy:
    """The numbers from 0 on; ``made`` says which ones were."""

    def make(rows: NDArray[np.intp]) -> list[int]:
        made.extend(rows.tolist())
        return rows.tolist()

    return Lazy(make, np.arange(count))


def test_values_are_made_when_they_are_asked_for_and_not_many_more() -> None:
    made: list[int] = []
    column = numbers(100_000, made)

    assert not made
    assert any(column)
    assert len(made) <= 1_000
    assert column[99_999] == 99_999


def test_columns_of_several_batches_are_one_in_which_each_value_stays_where_it_was() -> None:
    made: list[int] = []
    rows = concatenated([{"a": numbers(1_500, made)}, {"a": [-1, -2]}, {"a": numbers(3, made)}])

    assert not made
    assert list(rows["a"]) == [*range(1_500), -1, -2, 0, 1, 2]


def test_values_are_taken_in_any_order_and_by_slices() -> None:
    column = numbers(10, [])

    assert list(column.some(np.array([7, 2, 2]))) == [7, 2, 2]
    assert list(column[8:]) == [8, 9]
    assert len(column[2:5]) == 3
