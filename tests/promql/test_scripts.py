"""PromQL by example: the scripts beside this file, in the format of Prometheus' own test scripts."""

from pathlib import Path

import pytest

from schemas.failures import Rejected
from streams.promql.testrun import run_script

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.test"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_every_expression_of_a_script_gives_what_the_script_says(script: Path) -> None:
    outcomes = list(run_script(script.read_text()))
    assert len(outcomes) > 5
    assert [f"line {each.line}: {each.detail}" for each in outcomes if each.verdict != "passed"] == []


LOADED = 'load 1m\n  a{x="1"} 0+1x5\n  a{x="2"} 5\n  native{y="1"} {{schema:0 sum:1 count:1 buckets:[1]}}\n\n'


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ('eval instant at 1m a{x="1"}\n  a{x="1"} 2', 'expected a{x="1"} 2.0@60s, got 1.0@60s'),
        ('eval instant at 1m a{x="1"}', 'did not expect a{x="1"} 1.0@60s'),
        ("eval instant at 1m b\n  b 1", "expected b 1.0@60s, got nothing"),
        ("eval instant at 1m 1\n  2", "expected 2.0, got 1.0"),
        ('eval instant at 1m "a"\n  expect string "b"', "expected the string 'b', got 'a'"),
        ("eval instant at 1m a\n  expect fail", "expected it to fail, but it did not"),
        ("eval instant at 1m a +", "failed: unexpected end"),
        ("eval instant at 1m a + on() a\n  expect fail msg: no", "expected the error 'no', got 'found duplicate"),
        ("eval instant at 1m sum(a)\n  expect warn\n  {} 6", "expected warn '', got []"),
        ('eval instant at 5m rate(a[5m])\n  expect no_info\n  {x="1"} 1', "expected no info, got"),
        ('eval instant at 1m sort(a)\n  expect ordered\n  a{x="2"} 5\n  a{x="1"} 1', "expected the order"),
        ('eval range from 0 to 1m step 1m a{x="1"}\n  a{x="1"} 0 _', "got 0.0@0s 1.0@60s"),
    ],
)
def test_a_wrong_expectation_fails_and_says_what_was_expected_and_got(wrong: str, reason: str) -> None:
    (outcome,) = run_script(LOADED + wrong)
    assert outcome.verdict == "failed"
    assert reason in outcome.detail


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("native", 'native{y="1"}: native histograms are not supported'),
        ('sum({y=~".+"})', 'native{y="1"}: native histograms are not supported'),
        ("histogram_sum(a)", "histogram_sum() reads native histograms, which are not supported"),
        ("mad_over_time(a[5m])", "mad_over_time() is experimental in Prometheus and is not supported"),
        ("rate(a[1m+1s])", "arithmetic with durations is experimental in Prometheus and not supported"),
        ("rate(a[1m] smoothed)", "smoothed selectors are experimental in Prometheus and not supported"),
    ],
)
def test_what_is_not_supported_is_skipped_with_a_reason(expression: str, reason: str) -> None:
    (outcome,) = run_script(f"{LOADED}eval instant at 0 {expression}")
    assert outcome.verdict == "skipped"
    assert outcome.detail.startswith(reason)


def test_clear_forgets_what_was_loaded() -> None:
    (outcome,) = run_script(f"{LOADED}clear\neval instant at 1m a")
    assert outcome.verdict == "passed"


@pytest.mark.parametrize("script", ["evil", "load x\n  a 1", "load 1m\n  a 1+1", "eval instant at 0 a\n  expect much"])
def test_a_script_that_cannot_be_read_is_refused_with_the_line(script: str) -> None:
    with pytest.raises(Rejected, match=r"^line 1: "):
        list(run_script(script))
