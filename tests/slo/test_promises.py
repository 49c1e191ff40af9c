"""Which series an objective takes, and what a pane of each adds: the four of the short form, selectors of all kinds."""

import math

import pytest

from schemas.slo import Objective, Ratio, Source
from schemas.slo_short import read_short
from streams.slo.ledger import UNIT
from streams.slo.promises import Promises
from streams.windows.panes import Cell, Kind, Series
from tests.slo.objectives import PLACE, objective

FOUR = """
services:
  checkout: {uptime: 99.9%, response_time: 100ms, error_rate: 0.01, throughput: 1000/s}
  search: {uptime: 99%}
"""


def short() -> list[Objective]:
    objectives, _, problems = read_short(FOUR, "f.yml")
    assert not problems
    return objectives


def series(name: str, kind: Kind = "counter", **labels: str) -> Series:
    return Series(name, kind, tuple(sorted({"service": "checkout", **labels}.items())), 10_000)


def cell(total: float, **more: object) -> Cell:
    return Cell(1, total, total, total, total, 0, **more)  # type: ignore[arg-type]


def taken(promises: Promises, of: Series, pane: Cell) -> dict[str, tuple[float, float]]:
    """What each objective takes of a pane, in events."""
    found = promises.takers(of)
    return {
        promise.objective.name: (bad / UNIT, total / UNIT) for promise, amount in found for bad, total in [amount(pane)]
    }


def test_the_four_of_a_service_take_its_requests_errors_and_latencies_and_ask_for_its_rate() -> None:
    promises = Promises(short())
    assert taken(promises, series("requests_total", outcome="success"), cell(7)) == {
        "checkout-uptime": (0, 7),
        "checkout-error_rate": (0, 7),
    }
    assert taken(promises, series("requests_total", outcome="error"), cell(2)) == {
        "checkout-uptime": (2, 2),
        "checkout-error_rate": (2, 2),
    }
    assert taken(promises, series("errors_total"), cell(3)) == {
        "checkout-uptime": (3, 0),
        "checkout-error_rate": (3, 0),
    }
    assert [promise.objective.name for promise in promises.asking] == ["checkout-throughput"]
    names, reach_ms = promises.reach()
    assert (names is not None and "requests_total" in names, reach_ms) == (True, 60_000)


def test_a_latency_counts_the_samples_beyond_its_bound() -> None:
    took = series("request_duration_seconds", "histogram")
    pane = Cell(10, 1.0, 0.04, 2.0, 0.04, 0, 0, {-600: 8, 100: 2}, {})
    assert taken(Promises(short()), took, pane) == {"checkout-response_time": (2, 10)}


def test_what_belongs_to_another_service_or_metric_is_not_taken() -> None:
    promises = Promises(short())
    assert taken(promises, series("requests_total", service="search", outcome="error"), cell(1)) == {
        "search-uptime": (1, 1)
    }
    assert promises.takers(series("requests_total", service="cart")) == []
    assert promises.takers(series("orders_total")) == []


@pytest.mark.parametrize(
    "selector",
    [
        'requests_total{service="checkout"}',
        "requests_total",
        '{__name__=~"req.*"}',
        '{service=~"check.*",__name__=~".+_total"}',
        'requests_total{service!="search"}',
    ],
)
def test_a_selector_of_any_kind_finds_its_series(selector: str) -> None:
    source = Source(series=(selector,), place=PLACE)
    counted = objective(indicator=Ratio(bad=Source(series=('x{a="b"}',), place=PLACE), total=source))
    promises = Promises([counted])
    assert taken(promises, series("requests_total"), cell(4)) == {"availability": (0, 4)}
    assert promises.takers(series("up", service="search")) == []


def test_what_is_no_number_says_nothing() -> None:
    promises = Promises(short())
    for total in (math.inf, -math.inf, math.nan):
        assert taken(promises, series("requests_total", outcome="error"), cell(total))["checkout-uptime"] == (0, 0)


def test_the_oldest_minute_leaves_room_for_the_window_its_alerts_and_late_data() -> None:
    [promise] = Promises([objective(burn_rates="google")]).all
    now = 29_000_160 + 10_000
    assert promise.oldest(now) <= now - 60 - 1440
    assert promise.oldest(now) % 360 == 0
    assert promise.oldest(now) == promise.oldest(now // 360 * 360)
