"""What holds for every vector, whatever its values."""

import math
import statistics
from collections.abc import Mapping
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streams.promql import Labels, MemoryStorage, compile_expression
from streams.promql.arithmetic import exact_sum, float_text, kahan, mean, quantile, variance

FLOATS = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9)
VECTORS = st.dictionaries(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), FLOATS)


def evaluate(text: str, **vectors: Mapping[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    """The value at time 0 over series with the labels ``job`` and ``host``."""
    storage = MemoryStorage()
    for name, vector in vectors.items():
        for (job, host), value in vector.items():
            storage.series(Labels(__name__=name, job=job, host=host)).append(0, value)
    value = compile_expression(text).evaluate(storage, 0)
    assert isinstance(value, list)
    return {(each.labels.get("job", ""), each.labels.get("host", "")): each.value for each in value}


@given(VECTORS)
def test_the_sum_of_sums_is_the_sum(a: dict[tuple[str, str], float]) -> None:
    whole, parts = evaluate("sum(a)", a=a), evaluate("sum(sum by (job) (a))", a=a)
    assert whole.keys() == parts.keys()
    assert all(math.isclose(value, parts[key], rel_tol=1e-9, abs_tol=1e-3) for key, value in whole.items())


@given(VECTORS, VECTORS)
def test_and_with_unless_splits_a_vector(a: dict[tuple[str, str], float], b: dict[tuple[str, str], float]) -> None:
    both, only = evaluate("a and b", a=a, b=b), evaluate("a unless b", a=a, b=b)
    assert both.keys().isdisjoint(only)
    assert both | only == a


@given(VECTORS, VECTORS)
def test_or_is_the_left_side_and_what_it_lacks(
    a: dict[tuple[str, str], float], b: dict[tuple[str, str], float]
) -> None:
    assert evaluate("a or b", a=a, b=b) == b | a


@given(VECTORS, FLOATS)
def test_a_comparison_and_its_opposite_split_a_vector(a: dict[tuple[str, str], float], limit: float) -> None:
    above, rest = evaluate(f"a > {limit!r}", a=a), evaluate(f"a <= {limit!r}", a=a)
    assert above.keys().isdisjoint(rest)
    assert above | rest == a


@given(VECTORS, st.integers(min_value=0, max_value=12))
def test_topk_keeps_the_largest(a: dict[tuple[str, str], float], count: int) -> None:
    kept = evaluate(f"topk({count}, a)", a=a)
    assert sorted(kept.values(), reverse=True) == sorted(a.values(), reverse=True)[:count]


@given(st.lists(st.integers(min_value=0, max_value=1000), min_size=2, max_size=30))
def test_increase_never_falls_below_zero_and_resets_do_not_count(steps: list[int]) -> None:
    """With a sample at both ends of the range nothing is extrapolated: the increase is the sum of the rises."""
    storage = MemoryStorage()
    series = storage.series(Labels(__name__="c_total"))
    for index, value in enumerate(steps):
        series.append((index + 1) * 1000, float(value))
    (sample,) = _vector(f"increase(c_total[{len(steps)}s])", storage, len(steps) * 1000)
    rises = sum(after - before if after >= before else after for before, after in pairwise(steps))
    gaps = len(steps) - 1
    most_before_first = min(1.0, gaps * steps[0] / rises) if rises else 1.0
    assert math.isclose(sample.value, rises * (gaps + most_before_first) / gaps, rel_tol=1e-9, abs_tol=1e-9)


def _vector(text: str, storage: MemoryStorage, at_ms: int) -> list:  # type: ignore[type-arg]
    value = compile_expression(text).evaluate(storage, at_ms)
    assert isinstance(value, list)
    return value


@given(st.lists(FLOATS, min_size=1))
def test_sums_means_and_variances_are_those_of_exact_arithmetic(values: list[float]) -> None:
    assert math.isclose(exact_sum(values), math.fsum(values), rel_tol=1e-12, abs_tol=1e-6)
    assert math.isclose(sum(kahan(values)), math.fsum(values), rel_tol=1e-12, abs_tol=1e-6)
    assert math.isclose(mean(values), statistics.fmean(values), rel_tol=1e-12, abs_tol=1e-6)
    assert math.isclose(variance(values), statistics.pvariance(values), rel_tol=1e-6, abs_tol=1e-2)


@given(st.lists(FLOATS, min_size=1), st.floats(min_value=0, max_value=1))
def test_a_quantile_lies_between_the_extremes_and_halves_at_the_median(values: list[float], share: float) -> None:
    slack = 1e-9 * max(map(abs, values))
    assert min(values) - slack <= quantile(share, values) <= max(values) + slack
    assert math.isclose(quantile(0.5, values), statistics.median(values), rel_tol=1e-9, abs_tol=1e-6)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_written_without_exponent_and_reads_back_the_same(value: float) -> None:
    text = float_text(value)
    assert "e" not in text
    assert float(text) == value
