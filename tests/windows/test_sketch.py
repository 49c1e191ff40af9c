"""Exponential histograms: bounded error, exact merging."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.windows.sketch import RELATIVE_ERROR, Buckets, add, bounds, count_at_most, indexes, midpoint, quantiles

magnitudes = st.floats(min_value=1e-9, max_value=1e12)
counts = st.dictionaries(st.integers(-2000, 2000), st.integers(1, 10**6), max_size=20)


def sketch(values: list[float]) -> Buckets:
    found: Buckets = {}
    for index in indexes(np.array(values)).tolist():
        found[index] = found.get(index, 0) + 1
    return found


@given(magnitudes)
def test_every_value_is_within_the_stated_error_of_its_bucket(value: float) -> None:
    index = int(indexes(np.array([value]))[0])
    low, high = bounds(index)

    assert low * (1 - 1e-12) < value <= high * (1 + 1e-12)
    assert abs(midpoint(index) - value) <= value * (RELATIVE_ERROR + 1e-9)


def test_the_error_is_the_one_per_cent_that_is_promised() -> None:
    assert RELATIVE_ERROR < 0.01


@given(st.lists(magnitudes, min_size=1, max_size=200), st.sampled_from([0.5, 0.9, 0.95, 0.99, 1.0]))
def test_a_quantile_is_within_the_stated_error_of_the_nearest_rank(values: list[float], q: float) -> None:
    exact = sorted(values)[math.ceil(q * len(values)) - 1]

    [found] = quantiles((q,), sketch(values), {}, 0, min(values), max(values))

    assert abs(found - exact) <= exact * (RELATIVE_ERROR + 1e-9)


def test_negative_values_and_zeros_take_their_place_in_the_order() -> None:
    found = quantiles((0.2, 0.6, 1.0), sketch([1.0, 5.0]), sketch([2.0]), 2, -2.0, 5.0)

    assert [round(value) for value in found] == [-2, 0, 5]


@given(counts, counts, counts)
def test_merging_is_associative_and_commutative(a: Buckets, b: Buckets, c: Buckets) -> None:
    left, right, swapped = dict(a), dict(b), dict(c)
    add(left, b)
    add(left, c)
    add(right, c)
    add(right, a)
    add(swapped, a)
    add(swapped, b)

    assert left == right == swapped


def test_a_prometheus_bucket_counts_what_is_at_most_its_bound() -> None:
    positive, negative = sketch([0.1, 0.2, 3.0]), sketch([1.0])

    assert [count_at_most(bound, positive, negative, 1) for bound in (-2.0, 0.0, 0.15, 1.0, 10.0)] == [0, 2, 3, 4, 5]
