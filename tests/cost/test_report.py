"""The report on costs says what counting by hand gives, in numbers that can be asked for again."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from streams.api.queries import asking
from streams.cost.questions import COURSE, SPENT, Asked
from streams.cost.report import Prices, cost_report
from streams.reports.asking import Ask, rows
from streams.reports.document import Period, Report, Value
from tests.api.stored import T, database, insert, observed

HOUR = 3_600_000
DAYS = 2


def window(service: str, name: str, hour: int, value: float, count: int = 1) -> dict[str, Any]:
    values = dict.fromkeys(("min", "max", "last"), value) | dict.fromkeys(("p50", "p90", "p95", "p99"), value)
    start = {"window_seconds": 3600, "window_start": T + hour * HOUR, "version": 1, "count": count}
    empty: dict[str, Any] = {"zero_count": 0, "buckets": {}, "negative_buckets": {}, "scale": 6}
    texts = {"service": service, "name": name, "kind": "gauge", "labels": "{}"}
    return {**texts, **start, **values, **empty, "sum": value * count}


def event(service: str, name: str, kind: str, hour: int, value: float, **labels: str) -> dict[str, Any]:
    texts = {"service": service, "name": name, "kind": kind, "labels": orjson.dumps(labels).decode()}
    return {**texts, "time": T + hour * HOUR, "value": value}


def used() -> Iterator[dict[str, Any]]:
    """Two days of a shop whose memory is far too large and whose processors are idle."""
    for hour in range(24 * DAYS):
        yield window("shop", "cpu_usage_percent", hour, 20.0 + hour % 2, count=4)
        yield window("shop", "memory_usage_bytes", hour, 30.0)
        yield window("shop", "memory_total_bytes", hour, 100.0)


def spent() -> Iterator[dict[str, Any]]:
    """What it costs, by the hour, and the two days before; a bill of another; and a budget."""
    for hour in range(-24 * DAYS, 24 * DAYS):
        yield event("shop", "cost.cpu_total", "counter", hour, 10.0, component="compute", currency="USD")
        if hour >= 0:
            yield event("shop", "cost_memory_total", "counter", hour, 5.0, component="memory", currency="USD")
    yield event("db", "cost.billed_total", "counter", 3, 100.0, component="Databases", currency="EUR")
    yield event("db", "cost.credits_total", "counter", 4, 25.0, component="Databases", currency="EUR")
    yield event("shop", "cost.budget", "gauge", 1, 7200.0, currency="USD")


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    sink = database(tmp_path_factory.mktemp("cost"))
    insert(sink, "windows", list(used()))
    insert(sink, "raw_metrics", list(spent()))
    observed(sink, [(hour * HOUR, "cpu_usage_percent", "gauge", 1.0, "{}") for hour in range(-1, 30)])
    observed(sink, [(HOUR, "cpu_usage_percent", "gauge", 1.0, "{}")], tenant="another")
    yield asking(sink)
    sink.close()


@pytest.fixture(scope="module")
def asked() -> Asked:
    return Asked("default", Period(name="two days", start_ms=T, end_ms=T + 24 * DAYS * HOUR), [60, 300, 3600])


@pytest.fixture(scope="module")
def report(ask: Ask, asked: Asked) -> Report:
    return cost_report(ask, asked, Prices(per_million_events=1_000.0, currency="CHF"), T, "test")


def table(report: Report, title: str) -> list[dict[str, Value]]:
    [found] = [each for section in report.sections for each in section.tables if each.title == title]
    return [dict(zip((column.name for column in found.columns), row.cells, strict=True)) for row in found.rows]


def test_costs_are_those_of_each_component_with_credits_deducted(report: Report) -> None:
    """48 hours of 10 and of 5; 100 less 25. Before, there was no memory to pay for."""
    found = table(report, "By service and component, USD")
    assert [(row["service"], row["component"], row["cost"], row["change"]) for row in found] == [
        ("shop", "compute", 480, 0),
        ("shop", "memory", 240, None),
    ]
    [db] = table(report, "By service and component, EUR")
    assert (db["service"], db["cost"]) == ("db", 75)


def test_the_course_adds_up_to_the_whole(ask: Ask, asked: Asked, report: Report) -> None:
    course, spent = (rows(ask, asked.queries()[name]) for name in (COURSE, SPENT))
    assert sum(row["amount"] for row in course) == sum(row["amount"] for row in spent) == 795
    [dollars] = [chart for chart in report.sections[0].charts if chart.unit == "USD"]
    assert [line.name for line in dollars.lines] == ["shop"]
    assert dollars.lines[0].values == (15.0,) * 24 * DAYS


def test_a_budget_is_for_thirty_days(report: Report) -> None:
    """A fifteenth of it for two days: 480, of which 720 were spent."""
    [row] = table(report, "Budgets, USD")
    assert (row["of this period"], row["used"]) == (480, 150)


def test_recommendations_have_the_figures_they_rest_on(report: Report) -> None:
    """Nodes: memory needs 30 * 1.15 / 80 of what there is, and the processors less."""
    found = table(report, "What could be saved, USD")
    assert [row["recommendation"] for row in found] == ["scale_down_nodes", "right_size_memory"]
    assert [row["saving"] for row in found] == pytest.approx([273, 136.5])
    figures = ("typical use", "95 % of the time below", "peak", "hours seen")
    assert [found[0][name] for name in figures] == [21, 21, 21, 48]
    assert report.summary.startswith("75.00\N{NO-BREAK SPACE}EUR and 720.00\N{NO-BREAK SPACE}USD were spent")


def test_the_pipeline_costs_what_the_tenant_sent(report: Report) -> None:
    """Of this tenant, in this period."""
    events, stored_gib, cost = report.sections[-1].figures
    assert events.value == 30 + 2 * 24 * DAYS + 3
    assert isinstance(stored_gib.value, float) and 0 < stored_gib.value < 0.001
    assert cost.value == pytest.approx(0.129)
    assert cost.unit == "CHF"


def test_without_costs_it_says_so(ask: Ask) -> None:
    empty = Asked("nobody", Period(name="two days", start_ms=T, end_ms=T + HOUR), [60, 3600])
    assert cost_report(ask, empty, Prices(), T, "test").summary == "No costs were counted in this period."
