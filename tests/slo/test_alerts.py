"""Alerts of burn rates: when they come, when they end, what they say, and what mutes them."""

from fractions import Fraction

import pytest

from schemas.slo import Calendar, Condition, Rolling, Slices
from streams.slo.alerts import Burning, burning
from streams.slo.budget import Meter
from streams.slo.burnrates import BurnRate, names, read_burn_rates, shipped
from streams.slo.ledger import UNIT, Ledger
from streams.slo.measures import measure_of
from tests.slo.objectives import PLACE, maintenance, objective
from tests.slo.test_budget import DAY

MONTH = objective(window=Rolling(43_200))
GOOGLE = shipped("google")


def of_errors(promise: object = MONTH, **bad_from_to: tuple[int, int, int]) -> Meter:
    """100 events a minute for 4 days; so many of them bad in each stretch of minutes."""
    ledger = Ledger(measure_of(MONTH))
    for minute in range(4 * 1440):
        bad = sum(bad for bad, first, last in bad_from_to.values() if first <= minute < last)
        ledger.add(DAY + minute, bad * UNIT, 100 * UNIT)
    return Meter(promise, ledger, DAY)  # type: ignore[arg-type]


def due(meter: Meter, at: int) -> list[Burning]:
    return list(burning(meter, GOOGLE.scaled(meter.objective.window.minutes), DAY + at))


def test_the_workbook_is_shipped() -> None:
    assert names() == ["google"]
    assert [(alert.factor, alert.short, alert.long) for alert in GOOGLE.scaled(43_200)] == [
        (Fraction(72, 5), 5, 60),
        (6, 30, 360),
        (3, 120, 1440),
        (1, 360, 4320),
    ]
    assert [alert.share(43_200) for alert in GOOGLE.alerts] == [
        *(Fraction(2, 100), Fraction(5, 100), Fraction(10, 100), Fraction(10, 100)),
    ]


@pytest.mark.parametrize(
    ("period", "windows"),
    [
        (7 * 1440, [(1, 14), (7, 84), (28, 336), (84, 1008)]),
        (1440, [(1, 2), (1, 12), (4, 48), (12, 144)]),
        (60, [(1, 2), (1, 6)]),
        (525_600, [(5, 60), (30, 360), (120, 1440), (360, 4320)]),
    ],
)
def test_shorter_periods_have_shorter_windows_and_longer_ones_the_same(
    period: int, windows: list[tuple[int, int]]
) -> None:
    assert [(alert.short, alert.long) for alert in GOOGLE.scaled(period)] == windows


def test_a_page_comes_when_both_windows_burn_and_ends_with_the_short_one() -> None:
    """30 % errors: after 29 minutes the hour burns at 14.5x; 5 minutes after they stop, the short window does not."""
    meter = of_errors(outage=(30, 2880, 2930))

    assert not due(meter, 2880 + 28)
    (page,) = due(meter, 2880 + 29)
    assert (page.severity, page.threshold) == ("page", Fraction(72, 5))
    assert page.windows == ((5, Fraction(30)), (60, Fraction(29, 2)))
    assert page.alert == "BurnRate"
    paging = [at for at in range(2880, 2960) if any(alert.windows[0][0] == 5 for alert in due(meter, at))]
    assert paging == list(range(2909, 2933))


def test_a_budget_that_burns_just_at_the_limit_alerts_nobody() -> None:
    """6 % errors of 1 % allowed, since long ago: exactly 6x, which pages nobody, and more than 3x."""
    meter = of_errors(steady=(6, 0, 5760))

    assert {alert.threshold for alert in due(meter, 5000)} == {3, 1}


def test_it_says_what_is_left_and_until_when() -> None:
    """A window of 4 days that has seen 100 events a minute; 15 of 20 minutes' budget are gone."""
    meter = of_errors(objective(window=Rolling(4 * 1440)), slow=(2, 2880, 5760))

    found = next(alert for alert in due(meter, 4320) if alert.threshold == 1)

    budget = meter.budget(DAY + 4320)
    assert found.remaining == budget.remaining == Fraction(1, 3)
    assert found.exhausted_after == 960
    assert found.summary == (
        "availability burns its budget 2x over 48m and 2x over 9h36m (limit 1x);"
        " 33.3% of the budget is left, and gone in 16h"
    )


def test_few_events_alert_nobody() -> None:
    meter = of_errors(objective(window=Rolling(43_200), minimum_events=501), outage=(100, 2880, 2940))

    assert all(alert.windows[0][0] > 5 for alert in due(meter, 2940))


def test_nothing_is_sent_in_maintenance() -> None:
    meter = of_errors(outage=(50, 2880, 2940))
    muted = Meter(meter.objective, meter.ledger, DAY, [maintenance("2025-02-22 00:30:00", 60)])

    assert due(meter, 2940)
    assert not due(muted, 2940)


def test_a_single_lookback_is_honoured_as_it_is_written() -> None:
    """OpenSLO's own example has ``lte``; it is taken by its word. ``alertAfter`` is how long it has to hold."""
    promise = objective(
        window=Rolling(43_200),
        conditions=(
            condition("fast", "gte", after=3),
            condition("literally", "lte"),
        ),
    )
    meter = of_errors(promise, outage=(4, 2880, 2940))

    firing = {at: [alert.alert for alert in burning(meter, [], DAY + at)] for at in range(2880, 2893)}

    assert [at for at, alerts in firing.items() if "literally" in alerts] == [*range(2880, 2886)]
    assert [at for at, alerts in firing.items() if "fast" in alerts] == [*range(2888, 2893)]


def condition(name: str, op: str, after: int = 0) -> Condition:
    return Condition(
        name=name,
        severity="page",
        op=op,
        threshold=Fraction(2),
        lookback_minutes=10,
        after_minutes=after,
        place=PLACE,  # type: ignore[arg-type]
    )


def test_burn_rates_of_slices_and_calendars_are_the_same_alerts() -> None:
    promise = objective(
        method=Slices(minutes=1, target=Fraction(1)),
        window=Calendar(unit="M", anchor="2024-01-01 00:00:00", zone="UTC"),
    )
    ledger = Ledger(measure_of(promise))
    for minute in range(120):
        ledger.add(DAY + minute, UNIT * (minute >= 60 and minute % 4 == 0), UNIT)

    found = list(burning(Meter(promise, ledger, DAY), GOOGLE.scaled(43_200), DAY + 120))

    assert (60, Fraction(25)) in found[0].windows


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("alerts: []", "f.yml:1:1: the file has no period"),
        ("period: 30d\nalerts: [{factor: 2}]", "f.yml:2:10: an alert has no severity, short, long"),
        (
            "period: 30d\nalerts: [{severity: a, factor: x, short: 1h, long: 5m}]",
            "f.yml:2:32: factor is not a number: 'x'",
        ),
        (
            "period: 30d\nalerts: [{severity: a, factor: 2, short: 1h, long: 5m}]",
            "f.yml:2:42: short is not shorter than long",
        ),
    ],
)
def test_a_file_of_burn_rates_is_checked(text: str, mistake: str) -> None:
    assert any(str(problem).startswith(mistake) for problem in read_burn_rates(text, "f.yml")[1])


def test_a_file_of_ones_own() -> None:
    rates, problems = read_burn_rates(
        "period: 7d\nalerts: [{severity: chat, factor: 2.5, short: 5m, long: 1h}]", "f.yml"
    )

    assert not problems
    assert rates.scaled(10_080) == [BurnRate(severity="chat", factor=Fraction(5, 2), short=5, long=60)]
