"""Durations are read and written as Prometheus does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.duration import duration_text, milliseconds
from schemas.failures import Rejected


@given(st.integers(min_value=0, max_value=10**13))
def test_what_is_written_reads_back_the_same(duration_ms: int) -> None:
    assert milliseconds(duration_text(duration_ms)) == duration_ms


@pytest.mark.parametrize(
    ("text", "duration_ms"),
    [("0", 0), ("90s", 90_000), ("1h30m", 5_400_000), ("1d", 86_400_000), ("2w", 1_209_600_000), ("1m500ms", 60_500)],
)
def test_a_duration_is(text: str, duration_ms: int) -> None:
    assert milliseconds(text) == duration_ms


@pytest.mark.parametrize("text", ["", "5", "5 m", "-5m", "1m1h", "1.5h", "5min", "m"])
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(Rejected, match="write it like 30s, 5m or 1h30m"):
        milliseconds(text)
