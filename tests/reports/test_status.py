"""One screen says of every service whether it is well, and if not, why."""

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from streams.api.queries import asking
from streams.cli.status import screen
from streams.reports.asking import Ask
from streams.reports.document import Period
from streams.reports.sla.alerts import fired, names
from streams.reports.sla.scope import Scope
from streams.reports.status import POINTS, Status, status
from tests.api.stored import T, database, insert

MINUTE = 60_000
NOW = T + 120 * MINUTE


def level(service: str, minute: int, errors: float = 0.0) -> dict[str, Any]:
    return {
        "service": service,
        "window_seconds": 60,
        "window_start": T + minute * MINUTE,
        "version": 1,
        "total": 100.0,
        "errors": errors,
        "availability_percent": 100 - errors,
        "error_ratio": errors / 100,
        "throughput_per_second": 100 / 60,
        **dict.fromkeys(("latency_p50_ms", "latency_p95_ms", "latency_p99_ms"), 12.0),
        "sla_percent": 100.0,
        "breaches": [],
    }


def says(service: str, second: float, state: str = "up", **more: str) -> dict[str, Any]:
    at = NOW - int(second * 1000)
    return {"service": service, "time": at, "status": state, "check_duration_ms": 1.0, **more}


def fires(service: str, state: str, minute: int) -> dict[str, Any]:
    return {
        "rule": "HighErrorRate",
        "rule_group": "g",
        "fingerprint": 7,
        "labels": {"service": service, "severity": "high"},
        "annotations": {},
        "state": state,
        "reason": "held_for" if state == "firing" else "condition_false",
        "value": 1.0,
        "active_at": T + minute * MINUTE,
        "changed_at": T + minute * MINUTE,
        "expression": "",
        "recorded_at": T,
    }


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    sink = database(tmp_path_factory.mktemp("status"))
    names = ("cart", "pay\x1b[2J", "shop")
    insert(sink, "sla_windows", [level(name, minute, 10.0 * (minute == 60)) for name in names for minute in range(119)])
    insert(sink, "raw_health", [says("cart", 20), says("shop", 20), says("mail", 100), says("bus", 5)])
    failed = {"component": "db", "dependency": "postgres", "message": "no\x1b[2J answer"}
    insert(sink, "raw_health", [says("cart", 9, component="db"), says("cart", 8, "down", **failed)])
    insert(sink, "raw_health", [says("bus", 4, "degraded", component="queue")])
    down = {"fingerprint": 8, "rule": "ServiceDown", "annotations": {"root_cause": "postgres"}}
    insert(sink, "alert_history", [fires("pay\x1b[2J", "firing", 100), fires("pay\x1b[2J", "resolved", 130)])
    insert(sink, "alert_history", [fires("cart", "firing", 119) | down])
    yield asking(sink)
    sink.close()


@pytest.fixture(scope="module")
def found(ask: Ask) -> Status:
    return status(ask, "default", NOW, MINUTE)


def shown(found: Status, width: int, **options: Any) -> str:
    file = StringIO()
    Console(file=file, width=width, highlight=False, **options).print(screen(found, "UTC", width))
    return file.getvalue()


def test_the_worst_come_first_with_the_reason(found: Status) -> None:
    assert [(each.service, each.state, each.why) for each in found.services] == [
        ("cart", "down", "postgres of db is down: no\x1b[2J answer, because of postgres"),
        ("mail", "down", "silent for 1m40s"),
        ("bus", "alerting", "queue is degraded"),
        ("pay\x1b[2J", "alerting", "HighErrorRate"),
        ("shop", "ok", ""),
    ]
    assert not found.is_well


def test_the_last_day_is_a_line_of_availability(found: Status) -> None:
    shop = found.services[-1]

    assert len(shop.course) == POINTS
    assert [value for value in shop.course if value is not None][-2:] == pytest.approx([100 - 10 / 30, 100])
    assert shop.availability == pytest.approx(100 * (1 - 10 / 11_900))
    assert shop.latest == 100


def test_an_alert_that_is_over_is_not_told(ask: Ask) -> None:
    later = status(ask, "default", T + 131 * MINUTE, MINUTE)

    assert all(each.why != "HighErrorRate" for each in later.services)


def test_an_alert_is_told_with_its_root_cause(ask: Ask) -> None:
    day = Scope(tenant="default", period=Period(name="", start_ms=T, end_ms=NOW))
    assert names(fired(ask, day), "cart", "", T, NOW) == "ServiceDown (because of postgres)"
    assert names(fired(ask, day), "shop", "", T, NOW) == "none"


def test_without_colours_it_says_the_same(found: Status) -> None:
    text = shown(found, 120, color_system=None)

    assert "\x1b" not in text
    assert "1 of 5 services are well" in text
    for word in ("✗", "down", "alerting", "HighErrorRate", "99.916 %", "12 ms"):
        assert word in text.replace("\N{NO-BREAK SPACE}", " ")


def test_with_colours_services_cannot_play_with_the_terminal(found: Status) -> None:
    text = shown(found, 120, force_terminal=True, color_system="standard")

    assert "\x1b[1;31m" in text
    assert "\x1b[2J" not in text


def test_a_narrow_terminal_keeps_every_service_on_one_line(found: Status) -> None:
    lines = shown(found, 80, color_system=None).splitlines()

    assert len(lines) == 2 + len(found.services)
    assert max(map(len, lines)) <= 80


def test_of_a_tenant_without_services_nothing_is_well(ask: Ask) -> None:
    found = status(ask, "nobody", NOW, MINUTE)

    assert not found.is_well
    assert "is a worker running" in shown(found, 120)
