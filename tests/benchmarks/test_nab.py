"""NAB's score: what the paper says of it, and rules that see what they should."""

import pytest

from benchmarks.nab import Scored, alerts, judge, outer_fences, probation, seen_range, three_sigma

TIMES = list(range(0, 1000 * 300_000, 300_000))
WINDOWS = [(TIMES[400], TIMES[499]), (TIMES[700], TIMES[799])]


def test_silence_scores_zero_and_the_first_record_of_each_window_a_hundred() -> None:
    assert judge(TIMES, WINDOWS, []).score == 0
    perfect = judge(TIMES, WINDOWS, [400, 700])
    assert perfect.score == 100
    assert (perfect.windows, perfect.found, perfect.false_alarms) == (2, 2, 0)


def test_the_earliest_alert_in_a_window_counts_and_the_later_the_less() -> None:
    """Half way in, the function of the paper is at 0.848 of 0.987."""
    once, twice = judge(TIMES, WINDOWS[:1], [450]), judge(TIMES, WINDOWS[:1], [450, 480])
    assert once == twice
    assert once.raw == pytest.approx(0.84828 / 0.98661, abs=1e-4)


@pytest.mark.parametrize(("index", "raw"), [(300, -0.11), (999, -0.11), (549, -0.11 * 0.84828)])
def test_a_false_alarm_costs_the_more_the_further_behind_a_window_it_is(index: int, raw: float) -> None:
    """Before all windows, and three lengths behind one, all of it."""
    windows = WINDOWS[:1]
    assert judge(TIMES, windows, [index]).raw == pytest.approx(raw - 1, abs=1e-3)


def test_what_lies_in_the_probation_is_not_scored() -> None:
    """Neither alerts nor windows."""
    assert probation(1000) == 150
    assert probation(100_000) == 750
    assert judge(TIMES, [(TIMES[10], TIMES[20])], [15, 149]) == Scored()


def test_an_alert_fires_when_a_threshold_is_passed_and_once_as_long_as_it_is_kept_firing() -> None:
    """Five minutes between records: an alert ends an hour after the last excess."""
    values = [1.0] * 40
    for index in (10, 11, 25, 39):
        values[index] = 9.0
    series = list(zip(TIMES, values, strict=False))
    assert alerts(series, (0.0, 5.0), "1h") == [10, 25, 39]
    assert alerts(series, (0.0, 5.0), "2h") == [10]
    assert alerts(series, (0.0, 10.0), "1h") == []


def test_thresholds_come_from_what_was_seen() -> None:
    values = [*range(101)]
    assert seen_range(values) == (-10, 110)
    assert outer_fences(values) == (-125, 225)
    assert three_sigma(values) == pytest.approx((50 - 87.464, 50 + 87.464), abs=1e-3)
