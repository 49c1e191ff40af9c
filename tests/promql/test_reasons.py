"""An expression that cannot be used is refused with the place, the reason and what to write instead."""

import pytest

from schemas.failures import Rejected
from streams.promql import MemoryStorage, compile_expression


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "1:1: the expression is empty"),
        ("foo bar", "1:5: unexpected bar"),
        ("up == 0 for 5m", "1:9: unexpected for"),
        ("a\n  and\n  b c", "3:5: unexpected c"),
        ("rate(x[5m]", "1:11: unexpected end of the expression; something is missing after it"),
        ("rate(x[5m]))", "1:12: unexpected )"),
        ("sum by (a (x)", "1:11: unexpected ("),
        ("1 + rate(x)", "1:5: expected type matrix in call to function 'rate', got vector; give the selector a range"),
        ("abs(x[5m])", "1:1: expected type vector in call to function 'abs', got matrix; take the range away"),
        ("1 + raet(x[5m])", "1:5: unknown function with name 'raet'; did you mean rate?"),
        ("a + limitk(1, x)", "1:5: limitk() is experimental in Prometheus and not supported"),
        ("a or histogram_avg(x)", "1:6: histogram_avg() reads native histograms, which are not supported"),
        ("sum(rate(x[5m + 1s]))", "1:15: arithmetic with durations is experimental"),
        ("rate(x[999999999y])", "1:8: 999999999y is not a duration of less than 290 years"),
        ("x offset -Inf", "1:11: Inf is not a duration of less than 290 years"),
        ('x{a="b" or c="d"}', "1:1: 'or' between matchers is not PromQL; write two selectors joined by or"),
        (r'x + y{a=~"\\pL"}', "1:5: the pattern"),
    ],
)
def test_the_reason_names_line_and_column(expression: str, reason: str) -> None:
    with pytest.raises(Rejected) as refusal:
        compile_expression(expression)
    assert str(refusal.value).startswith(reason)


@pytest.mark.parametrize("text", ["(" * 50_000 + "1" + ")" * 50_000, "-" * 50_000 + "x", "+".join(["x"] * 50_000)])
def test_an_expression_that_would_exhaust_the_stack_is_refused(text: str) -> None:
    with pytest.raises(Rejected, match="nests deeper than 200"):
        compile_expression(text)


def test_the_deepest_expressions_that_are_taken_can_be_evaluated() -> None:
    for text in ("(" * 200 + "1" + ")" * 200, "-" * 199 + "(x)", "+".join(["x"] * 201), "abs(" * 200 + "x" + ")" * 200):
        compile_expression(text).evaluate(MemoryStorage(), 0)


def test_selectors_say_how_far_back_they_reach() -> None:
    """Lookback for instants; ranges, offsets and subqueries add up."""
    expression = compile_expression("max_over_time(rate(a[10m] offset 5m)[1h:1m]) > b offset 1m")
    assert [(matchers[0].value, reach) for matchers, reach in expression.selectors()] == [
        ("a", 75 * 60_000),
        ("b", 6 * 60_000),
    ]
