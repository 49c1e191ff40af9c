"""The report on service levels says of a day of Nezha what can be computed by hand from its file."""

import csv
from collections.abc import Iterator
from importlib.resources import files

import pytest

from schemas.sla import Sla
from sources.nezha import requests
from streams.api.queries import asking
from streams.reports.asking import Ask
from streams.reports.document import Figure, Report, Section, Table, Value
from streams.reports.period import period
from streams.reports.sla.report import sla_report
from streams.reports.sla.scope import Scope
from tests.api.stored import database
from tests.reports import nezha

MADE_MS = 1_795_100_000_000


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    sink = database(tmp_path_factory.mktemp("nezha"))
    nezha.store(sink, files("streams.rules").joinpath("shipped", "tidewatch.yml").read_text(encoding="utf-8"))
    yield asking(sink)
    sink.close()


@pytest.fixture(scope="module")
def report(ask: Ask) -> Report:
    """Of the day."""
    scope = Scope(tenant="default", period=period("2022-08-22", "UTC", MADE_MS))
    return sla_report(ask, scope, [], Sla(), MADE_MS, "tidewatch 0")


def by_hand() -> dict[int, tuple[int, int]]:
    """Good and total requests by the start of the minute (epoch ms)."""
    with nezha.FILE.open() as lines:
        return {
            int(row["TimeStamp"]) // 60 * 60_000: requests(float(row["SuccessRate(%)"]))
            for row in csv.DictReader(lines)
        }


def section(report: Report, title: str) -> Section:
    return next(each for each in report.sections if each.title == title)


def figure(report: Report, title: str, name: str) -> Figure:
    return next(each for each in section(report, title).figures if each.name == name)


def table(report: Report, section_title: str, title: str) -> list[dict[str, Value]]:
    found: Table = next(each for each in section(report, section_title).tables if each.title == title)
    names = [column.name for column in found.columns]
    return [dict(zip(names, row.cells, strict=True)) for row in found.rows]


def test_availability_and_downtime_are_those_of_the_file(report: Report) -> None:
    minutes = by_hand().values()
    good, total = (sum(column) for column in zip(*minutes, strict=True))

    (row,) = table(report, "Services", "Service levels")
    assert row["availability"] == pytest.approx(100 * good / total, abs=1e-12)
    assert (row["requests"], row["failed"]) == (total, total - good)
    assert row["downtime"] == sum(100 * its_good / its_total < 99.9 for its_good, its_total in minutes)
    assert row["budget used"] == pytest.approx(100 * (total - good) / (total * 0.001), rel=1e-9)


def test_the_worst_windows_are_told_with_the_alerts_that_fired_in_them(report: Report) -> None:
    failed: dict[int, int] = {}
    for at_ms, (good, total) in by_hand().items():
        failed[at_ms // 300_000] = failed.get(at_ms // 300_000, 0) + total - good
    worst = table(report, "Services", "Worst windows of services")

    assert [row["failed"] for row in worst] == sorted((each for each in failed.values() if each), reverse=True)[:10]
    assert "SLABreach" in str(worst[0]["alerts"])


def test_completeness_counts_what_came_and_what_did_not(report: Report) -> None:
    events = len(nezha.encoded())

    assert figure(report, "Completeness", "Received").value == events
    assert figure(report, "Completeness", "Dead letters").value == 1
    assert figure(report, "Completeness", "Missing").value == 0
    assert figure(report, "Completeness", "Dropped").value == 0
    assert figure(report, "Completeness", "Completeness").value == pytest.approx(100 * events / (events + 1))
    silent = table(report, "Completeness", "Silences")
    assert figure(report, "Completeness", "Silent").value == sum(int(row["length"] or 0) for row in silent) > 1200


def test_every_number_comes_from_a_query_that_can_be_run_again(ask: Ask, report: Report) -> None:
    asked = {part.query for each in report.sections for part in (*each.figures, *each.tables, *each.charts)} - {""}

    assert asked <= set(report.queries)
    for sql in report.queries.values():
        ask(sql, "JSONCompact")
