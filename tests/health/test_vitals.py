"""What a tenant's vitals tell rules, and that neither restarts nor catching up change it."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.health.graph import edge
from streams.health.vitals import Vitals, VitalsState
from streams.windows.panes import Cell, Series

SECOND = 1_000
STEP = 500
START = 1_795_342_500_000 // 60_000 * 60_000

Gauges = dict[tuple[str, ...], float]


def up(service: str, component: str = "") -> Series:
    return Series("up", "gauge", (("component", component), ("service", service)), SECOND)


def check(service: str, dependency: str, component: str = "") -> Series:
    labels = (("component", component), ("dependency", dependency), ("service", service))
    return Series("health_dependency", "gauge", labels, SECOND)


def result(at_ms: int, is_up: bool) -> Cell:
    value = float(is_up)
    return Cell(1, value, value, value, value, at_ms)


def name(series: Series) -> tuple[str, ...]:
    return series.name, *(value for label, value in series.labels if value and label != "monitored")


class Told:
    """What the gauges are at an instant."""

    def __init__(self, *configured: str) -> None:
        self.vitals = Vitals(STEP, [edge(text) for text in configured])
        self.gauges: Gauges = {}

    def say(self, at_ms: int, **services: bool) -> None:
        for service, is_up in services.items():
            self.vitals.merge(up(service), result(at_ms, is_up))

    def at(self, now_ms: int) -> set[tuple[str, ...]]:
        self.gauges |= {name(series): value for series, value in self.vitals.gauges(now_ms)}
        return {each for each, value in self.gauges.items() if value}


def test_a_silent_service_is_said_to_be_until_it_speaks() -> None:
    """Half a second after its 30 seconds are over."""
    told = Told()
    told.say(START, shop=True)
    assert told.at(START + 30 * SECOND) == set()
    assert told.at(START + 30 * SECOND + STEP) == {("health_silent", "shop")}
    told.say(START + 60 * SECOND, shop=True)
    assert told.at(START + 60 * SECOND) == set()
    assert told.gauges == {("health_silent", "shop"): 0.0}


def test_a_lasting_state_is_shown_again_every_minute() -> None:
    """Rules take a gauge for gone after five."""
    told = Told()
    told.say(START, shop=True)
    shown = [
        now_ms - START
        for now_ms in range(START, START + 180 * SECOND, STEP)
        for series, _ in told.vitals.gauges(now_ms)
        if series.name == "health_silent"
    ]
    assert shown == [30_500, 60_000, 120_000]


def test_the_cause_is_named_and_whether_it_has_an_alert_of_its_own() -> None:
    """The shop checks a database that reports its health, and a cache that does not."""
    told = Told()
    told.say(START, shop=False, postgres=False)
    told.vitals.merge(check("shop", "postgres"), result(START, False))
    told.vitals.merge(check("shop", "redis"), result(START, False))
    causes = {series.labels: value for series, value in told.vitals.gauges(START)}
    assert causes == {
        (("cause", "postgres"), ("component", ""), ("monitored", "true"), ("service", "shop")): 1.0,
        (("cause", "redis"), ("component", ""), ("monitored", "false"), ("service", "shop")): 1.0,
    }


def test_who_is_well_but_cannot_be_reached_is_not_to_blame() -> None:
    """The database says that it is up: what is wrong is the shop, or what lies between."""
    told = Told()
    told.say(START, shop=False, postgres=True)
    told.vitals.merge(check("shop", "postgres"), result(START, False))
    assert told.at(START) == set()


def test_silence_is_a_cause_too_and_configured_dependencies_count() -> None:
    """No event says that the shop needs the database; the configuration does."""
    told = Told("shop -> postgres")
    told.say(START, shop=True, postgres=True)
    told.say(START + 31 * SECOND, shop=True)
    assert told.at(START + 31 * SECOND) == {("health_silent", "postgres"), ("health_root_cause", "postgres", "shop")}
    told.say(START + 40 * SECOND, postgres=True)
    assert told.at(START + 40 * SECOND) == set()


def test_flapping_is_told_while_it_lasts() -> None:
    """Two outages of half a minute; then ten minutes of calm."""
    told = Told()
    for number in range(5):
        told.say(START + number * 30 * SECOND, shop=number % 2 == 0)
        told.at(START + number * 30 * SECOND)
    assert ("health_flapping", "shop") in told.at(START + 121 * SECOND)
    for number in range(12, 80):
        told.say(START + number * 10 * SECOND, shop=True)
    assert told.at(START + 800 * SECOND) == set()


def test_who_counts_into_an_overflow_series_has_no_health() -> None:
    """It has no name either."""
    told = Told()
    for kind in ("up", "health_dependency"):
        told.vitals.merge(Series(kind, "gauge", (("__overflow__", "true"),), SECOND), result(START, False))
    assert told.at(START + 60 * SECOND) == set()


def test_after_a_day_it_is_forgotten() -> None:
    """Nothing is kept of a component that is gone for good."""
    told = Told()
    told.say(START, shop=False)
    told.vitals.merge(check("shop", "postgres"), result(START, False))
    day = START + 86_400 * SECOND
    assert told.at(START + 31 * SECOND) == {("health_silent", "shop"), ("health_root_cause", "postgres", "shop")}
    assert told.at(day) == {("health_silent", "shop"), ("health_root_cause", "postgres", "shop")}
    assert told.at(day + 60 * SECOND) == set()
    assert told.vitals.snapshot().known == []


Event = tuple[int, int, str, bool]
"""When it comes and how late, seconds; of whom, and what."""
EVENT = st.tuples(st.integers(0, 240), st.integers(-5, 60), st.sampled_from("abc"), st.booleans())
EVENTS = st.lists(EVENT, max_size=40)


def run(events: list[Event], restarts: set[int], skips: bool) -> list[tuple[int, frozenset[tuple[str, ...]]]]:
    """Every change of what is told."""
    told, seen = Told("a -> b", "b -> c"), list[tuple[int, frozenset[tuple[str, ...]]]]()
    waiting = sorted(events, reverse=True)
    now_ms, end_ms = START, START + 300 * SECOND
    while now_ms <= end_ms:
        while waiting and START + waiting[-1][0] * SECOND <= now_ms:
            comes_s, late_s, service, is_up = waiting.pop()
            told.say(START + (comes_s - late_s) * SECOND, **{service: is_up})
        found = frozenset(told.at(now_ms))
        if not seen or seen[-1][1] != found:
            seen.append((now_ms, found))
        if (now_ms - START) // SECOND in restarts:
            told.vitals = restarted(told.vitals)
        following = told.vitals.next_ms(now_ms) if skips else now_ms + STEP
        if waiting:
            following = min(following, START + waiting[-1][0] * SECOND)
        following = min(following, (now_ms // 60_000 + 1) * 60_000)
        now_ms = max(following + -following % STEP, now_ms + STEP)
    return seen


def restarted(vitals: Vitals) -> Vitals:
    """What a successor reads from a snapshot."""
    successor = Vitals(STEP, vitals._configured)
    packed = msgspec.msgpack.encode(vitals.snapshot())
    successor.restore(msgspec.msgpack.decode(packed, type=VitalsState))
    return successor


@settings(max_examples=60)
@given(EVENTS, st.sets(st.integers(0, 300), max_size=10))
def test_restarts_and_skipped_evaluations_change_nothing(events: list[Event], restarts: set[int]) -> None:
    """The same is told at the same instants."""
    assert run(events, restarts, skips=False) == run(events, set(), skips=False) == run(events, restarts, skips=True)
