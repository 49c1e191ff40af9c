"""Numbers as people read them."""

import pytest

from streams.reports.document import Value
from streams.reports.numbers import written
from streams.reports.sparkline import sparkline


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (99.95, "%", "99.95 %"),
        (99.99996, "%", "99.99996 %"),
        (100.0, "%", "100 %"),
        (100 - 1e-13, "%", "100 %"),
        (0.0004, "%", "0.0004 %"),
        (-12.5, "%", "−12.5 %"),
        (0, "", "0"),
        (1_234_567, "", "1,234,567"),
        (12_345.67, "", "12,346"),
        (0.123456, "s", "0.1235 s"),
        (0.0000004, "", "0.0000004"),
        (0.5, "", "0.5"),
        (90, "min", "90 min"),
        (1501.0, "min", "1 d 1 h 1 min"),
        (-3, "", "−3"),
        (1234.5, "USD", "1,234.50 USD"),
        (-0.031, "change", "−0.031"),
        (0.05, "change", "+0.05"),
        (1_790_812_800_000, "time", "2026-10-01 02:00"),
        ("as it is", "%", "as it is"),
        (None, "%", "–"),
    ],
)
def test_a_value_is_written_with_its_unit(value: Value, unit: str, text: str) -> None:
    assert written(value, unit, "Europe/Berlin").replace("\N{NO-BREAK SPACE}", " ") == text


def test_a_sparkline_shows_dips_and_gaps() -> None:
    assert sparkline([1.0, 1.0, 0.0, 1.0, None, None], 6) == "██▁█··"
    assert sparkline([1.0, 1.0, 0.0, 1.0, None, None], 3) == "█▁·"
    assert sparkline([99.0], 8, low=0, high=100) == "█"
