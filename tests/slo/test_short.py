"""The short form of objectives, and maintenance in it."""

from fractions import Fraction

import pytest

from schemas.slo import Calendar, NoData, Ratio, Rolling, Threshold
from schemas.slo_short import read_short

FOUR = """\
defaults: {minimum_events: 100, no_data: breach after 10m}
services:
  checkout:
    uptime: 99.9%
    response_time: 100ms
    error_rate: 0.01
    throughput: 1000/s
"""


def test_the_four_of_a_service_are_one_line_each() -> None:
    objectives, _, problems = read_short(FOUR, "f.yml")

    assert not problems
    assert [(objective.name, objective.target) for objective in objectives] == [
        ("checkout-uptime", Fraction(999, 1000)),
        ("checkout-response_time", Fraction(95, 100)),
        ("checkout-error_rate", Fraction(99, 100)),
        ("checkout-throughput", Fraction(95, 100)),
    ]
    uptime, response_time, _, throughput = (objective.indicator for objective in objectives)
    assert isinstance(uptime, Ratio)
    assert 'requests_total{service="checkout"}' in uptime.total.series
    assert isinstance(response_time, Threshold)
    assert (response_time.op, response_time.value) == ("lte", 0.1)
    assert isinstance(throughput, Threshold)
    assert (throughput.op, throughput.value) == ("gte", 1000)
    assert all(objective.no_data == NoData(means="breach", after_minutes=10) for objective in objectives)
    assert all(objective.window == Rolling(43_200) and objective.minimum_events == 100 for objective in objectives)


def test_what_is_nearer_overrides_what_is_farther() -> None:
    text = """\
defaults: {window: 7d}
services:
  search:
    window: month
    zone: Europe/Berlin
    uptime: {value: 99%, window: 1h}
    response_time: {value: 1.5s, target: 99%}
"""
    (uptime, response_time), _, problems = read_short(text, "f.yml")

    assert not problems
    assert uptime.window == Rolling(60)
    assert response_time.window == Calendar(unit="M", anchor="2024-01-01 00:00:00", zone="Europe/Berlin")
    assert response_time.target == Fraction(99, 100)


def test_maintenance_is_once_or_every_week() -> None:
    text = """\
maintenance:
  - {name: move, start: "2026-03-28 22:00", for: 6h, services: [checkout], by: ana, declared: 2026-03-01}
  - {name: patches, days: [sun, wed], at: "02:00", from: 2026-01-01, until: 2026-12-31, for: 90m, zone: Asia/Kolkata}
"""
    _, (move, patches), problems = read_short(text, "f.yml")

    assert not problems
    assert (move.start, move.minutes) == ("2026-03-28 22:00:00", 360)
    assert (move.services, move.declared_by) == (("checkout",), "ana")
    assert (patches.start, patches.days, patches.minutes) == ("2026-01-01 02:00:00", (2, 6), 90)
    assert patches.zone == "Asia/Kolkata"


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("services: {a: {uptim: 99%}}", "f.yml:1:16: the service 'a' has the unknown key 'uptim'; write 'uptime'"),
        ("services: {a: {uptime: 101%}}", "f.yml:1:24: uptime is 101%, not from 0 to below 100"),
        ("services: {a: {response_time: fast}}", "f.yml:1:31: response_time is not understood: 'fast'"),
        ("services: {a: {error_rate: 0}}", "f.yml:1:28: error_rate leaves no budget"),
        ("services: {a: {throughput: 1000}}", "f.yml:1:28: throughput is not understood: '1000'"),
        ("services: {a: {uptime: 99%, window: 1y}}", "f.yml:1:37: window is not a duration"),
        ("services: {a: {uptime: 99%, window: day, zone: Mars}}", "f.yml:1:48: zone is no time zone: 'Mars'"),
        ("services: {a: {uptime: 99%, no_data: ok}}", "f.yml:1:38: no_data is not understood: 'ok'"),
        ("maintenance: [{name: a, for: 1h}]", "f.yml:1:15: maintenance needs for: and either start:"),
        ("maintenance: [{name: a, days: [x], at: '1', for: 1h}]", "f.yml:1:32: 'x' is no day of the week"),
    ],
)
def test_mistakes_have_a_place_and_a_fix(text: str, mistake: str) -> None:
    found = [str(problem) for problem in read_short(text, "f.yml")[2]]

    assert any(line.startswith(mistake) and "; " in line for line in found), found
