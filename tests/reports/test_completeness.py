"""What came late, was dropped, refused or lost is told; and an alert belongs to the time in which it fired."""

from collections.abc import Iterator
from typing import Any

import pytest

from sinks.clickhouse import ClickHouse
from streams.api.queries import asking
from streams.reports.asking import Ask
from streams.reports.document import Period, Value
from streams.reports.sla import completeness
from streams.reports.sla.alerts import fired, names
from streams.reports.sla.scope import Scope
from tests.api.stored import T, database, insert
from tests.reports.test_status import fires

MINUTE = 60_000
SCOPE = Scope(tenant="default", period=Period(name="", start_ms=T, end_ms=T + 60 * MINUTE))


def event(offset: int, minute: float, batch: int, **changes: Any) -> dict[str, Any]:
    base = {"name": "requests_total", "kind": "counter", "value": 1.0, "labels": "{}"}
    return {**base, "time": T + int(minute * MINUTE), "_offset": offset, "ingested_at": T + batch, **changes}


def window(minute: int, count: int) -> dict[str, Any]:
    values = dict.fromkeys(("sum", "min", "max", "last"), 1.0) | dict.fromkeys(("p50", "p90", "p95", "p99"))
    start = {"window_seconds": 60, "window_start": T + minute * MINUTE, "version": 1, "count": count}
    empty: dict[str, Any] = {"zero_count": 0, "buckets": {}, "negative_buckets": {}, "scale": 6}
    return {"name": "requests_total", "kind": "counter", "labels": "{}", **start, **values, **empty}


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """Two batches of one partition: offsets 14 is lost, 15 no event, 16 late and counted, 17 too late."""
    made = database(tmp_path_factory.mktemp("completeness"))
    insert(made, "raw_metrics", [event(10 + number, 2 * number, 1) for number in range(4)])
    insert(made, "raw_metrics", [event(16, 2.5, 2), event(17, 0.5, 2), event(18, 8, 2), event(19, 8.1, 2)])
    insert(made, "raw_metrics", [event(100, 70, 3), event(3, 1, 1, tenant="other", _partition=1)])
    insert(made, "windows", [window(0, 1), window(2, 2), window(4, 1), window(6, 1), window(8, 1), window(8, 2)])
    letter = {"reason": "malformed_json", "detail": "", "value": "x", "record_time": T, "ingested_at": T}
    insert(made, "dead_letters", [{**letter, "_offset": 15}, {**letter, "_offset": 50}])
    transitions = [("firing", -30), ("resolved", -20), ("firing", -10), ("resolved", 5), ("firing", 50)]
    insert(made, "alert_history", [fires("shop", state, minute) for state, minute in transitions])
    yield made
    made.close()


@pytest.fixture(scope="module")
def ask(sink: ClickHouse) -> Ask:
    return asking(sink)


def figures(ask: Ask, scope: Scope) -> dict[str, Value]:
    return {figure.name: figure.value for figure in completeness.section(ask, scope)[0].figures}


def test_each_thing_that_can_happen_to_an_event_is_counted(ask: Ask) -> None:
    found = figures(ask, SCOPE)

    assert found["Received"] == 8
    assert found["Late"] == 2
    assert found["Dropped"] == 1
    assert found["Dead letters"] == 1
    assert found["Missing"] == 1
    assert found["Completeness"] == pytest.approx(100 * 7 / 10)
    assert found["Silent"] == 60 - 9


def test_others_tenants_and_services_do_not_count(ask: Ask) -> None:
    elsewhere = Scope(tenant="other", period=SCOPE.period)
    nothing = Scope(tenant="default", period=SCOPE.period, services=("pay",))

    assert figures(ask, elsewhere)["Received"] == 1
    assert figures(ask, nothing)["Received"] == 0
    assert figures(ask, nothing)["Completeness"] is None


def test_alerts_that_began_before_or_last_beyond_a_period_belong_to_it(ask: Ask) -> None:
    found = fired(ask, SCOPE)

    assert [((each.start_ms - T) // MINUTE, (each.end_ms - T) // MINUTE) for each in found] == [(-10, 5), (50, 60)]
    assert names(found, "shop", "", T, T + MINUTE) == "HighErrorRate"
    assert names(found, "shop", "", T + 5 * MINUTE, T + 50 * MINUTE) == "none"
    assert names(found, "pay", "", T, T + MINUTE) == "none"
