"""Objectives over a period: the same as counting minute by minute, whatever is declared afterwards; and soon."""

import random
import time
from collections.abc import Iterator
from fractions import Fraction

import msgspec
import orjson
import pytest

from benchmarks.reports import month
from schemas.sla import Sla
from schemas.slo import Maintenance, Method, NoData, Objective, Occurrences, RatioSlices, Slices
from schemas.yamltext import Place
from sinks.clickhouse import ClickHouse
from streams.api.queries import asking
from streams.reports.asking import Ask
from streams.reports.document import Report, Value
from streams.reports.period import period
from streams.reports.sla.report import sla_report
from streams.reports.sla.scope import Scope
from streams.slo.ledger import UNIT
from tests.api.stored import database

MADE_MS = 1_795_100_000_000
DAY = month.FIRST
"""2026-10-01."""
PATCHING = Maintenance(
    name="patching",
    services=("shop",),
    start="2026-10-01 02:00:00",
    minutes=90,
    declared_by="Ada",
    declared_at="2026-10-02 09:00",
    place=Place("slo.yml", 1, 1),
)
METHODS: dict[str, Method] = {
    "by events": Occurrences(),
    "by slices": Slices(minutes=5, target=Fraction(95, 100)),
    "by ratios": RatioSlices(minutes=5),
}


def objective(name: str, **changes: object) -> Objective:
    base = msgspec.structs.replace(month.objectives(1)[0], name=name, service="shop", target=Fraction(95, 100))
    return msgspec.structs.replace(base, method=METHODS.get(name, Occurrences()), **changes)


OBJECTIVES = [
    *(objective(name) for name in METHODS),
    objective("silence is bad", no_data=NoData(means="breach", after_minutes=5)),
    objective("nothing at all"),
]


def minutes(seed: int) -> dict[int, tuple[int, int]]:
    """Bad and total by minute of the day, with a silence from 12:00 to 12:30 and a failure at 20:00."""
    chance = random.Random(seed)
    found = {}
    for minute in (at for at in range(1440) if not 720 <= at < 750):
        total = chance.randrange(1, 100)
        found[minute] = total if 1200 <= minute < 1215 else chance.choice([0, 0, 0, total // 7]), total
    return found


MINUTES = {each.name: minutes(number) for number, each in enumerate(OBJECTIVES) if each.name != "nothing at all"}


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    made = database(tmp_path_factory.mktemp("objectives"))
    for version in (1, 2):  # the first is revised: nothing of it may count
        rows = [
            ("default", name, "shop", (DAY + at) * 60_000, version, bad * UNIT, (total + 2 - version) * UNIT)
            for name, its in MINUTES.items()
            for at, (bad, total) in its.items()
        ]
        names = ("tenant", "objective", "service", "minute", "version", "bad", "total")
        columns = dict(zip(names, zip(*rows, strict=True), strict=True))
        made.insert("objective_minutes", columns, f"minutes-{version}")
    yield made
    made.close()


@pytest.fixture(scope="module")
def ask(sink: ClickHouse) -> Ask:
    return asking(sink)


def report(ask: Ask, *maintenance: Maintenance) -> Report:
    scope = Scope(tenant="default", period=period("2026-10-01", "UTC", MADE_MS), maintenance=maintenance)
    return sla_report(ask, scope, OBJECTIVES, Sla(), MADE_MS, "test")


def rows(of: Report, section: str, title: str) -> dict[str, dict[str, Value]]:
    found = next(each for each in of.sections if each.title == section)
    table = next(each for each in found.tables if each.title == title)
    names = [column.name for column in table.columns]
    listed = [dict(zip(names, row.cells, strict=True)) for row in table.rows]
    return {str(row.get("objective", number)): row for number, row in enumerate(listed)}


def counted(name: str, excluded: range = range(0)) -> dict[int, tuple[int, int]]:
    return {at: pair for at, pair in MINUTES[name].items() if at not in excluded}


def achieved(name: str, excluded: range = range(0)) -> Fraction:
    """Minute by minute."""
    its, method = counted(name, excluded), METHODS.get(name, Occurrences())
    if isinstance(method, Occurrences):
        return 1 - Fraction(sum(bad for bad, _ in its.values()), sum(total for _, total in its.values()))
    slices: dict[int, list[int]] = {}
    for at, (bad, total) in its.items():
        each = slices.setdefault(at // 5, [0, 0])
        each[0], each[1] = each[0] + bad, each[1] + total
    shares = [1 - Fraction(bad, total) for bad, total in slices.values()]
    if isinstance(method, Slices):
        return Fraction(sum(share >= method.target for share in shares), len(shares))
    return sum(shares, Fraction(0)) / len(shares)


@pytest.mark.parametrize("name", METHODS)
def test_what_was_achieved_is_what_counting_gives(ask: Ask, name: str) -> None:
    row = rows(report(ask), "Objectives", "Objectives")[name]

    assert row["achieved"] == pytest.approx(float(100 * achieved(name)), rel=1e-12)
    assert row["state"] == ("met" if achieved(name) >= Fraction(95, 100) else "missed")


@pytest.mark.parametrize("name", METHODS)
def test_maintenance_declared_afterwards_does_not_count(ask: Ask, name: str) -> None:
    found = report(ask, PATCHING)
    row = rows(found, "Objectives", "Objectives")[name]

    assert row["achieved"] == pytest.approx(float(100 * achieved(name, range(120, 210))), rel=1e-12)
    assert row["excluded"] == 90
    declared = rows(found, "Maintenance", "Time that does not count")["0"]
    assert (declared["what"], declared["declared by"], declared["declared at"]) == (
        "patching",
        "Ada",
        "2026-10-02 09:00",
    )


def test_downtime_is_of_minutes_that_missed_the_target(ask: Ask) -> None:
    found = rows(report(ask, PATCHING), "Objectives", "Objectives")
    its = counted("by events", range(120, 210))

    assert found["by events"]["downtime"] == sum(20 * bad > total for bad, total in its.values())
    silent = sum(20 * bad > total for bad, total in counted("silence is bad", range(120, 210)).values()) + 30
    assert found["silence is bad"]["downtime"] == silent
    assert found["silence is bad"]["no data"] == 30


def test_no_data_is_neither_met_nor_missed(ask: Ask) -> None:
    row = rows(report(ask), "Objectives", "Objectives")["nothing at all"]

    assert row["achieved"] is None
    assert row["state"] == "no data"


def test_the_worst_window_is_the_failure(ask: Ask) -> None:
    found = next(each for each in report(ask).sections if each.title == "Objectives")
    worst = next(table for table in found.tables if table.title == "Worst windows")
    starts = {row.cells[1]: row.cells[2] for row in reversed(worst.rows)}

    assert starts["by events"] in [(DAY + 1200 + step) * 60_000 for step in (0, 5, 10)]


@pytest.mark.parametrize("maintenance", [(), (PATCHING,)], ids=["none", "maintenance"])
def test_the_queries_give_the_same_numbers(ask: Ask, maintenance: tuple[Maintenance, ...]) -> None:
    found = report(ask, *maintenance)
    shown = rows(found, "Objectives", "Objectives")
    for name, sql in found.queries.items():
        if name.startswith("objectives"):
            answer = orjson.loads(ask(sql, "JSON"))["data"]
            assert answer
            for row in answer:
                if row["objective"] != "silence is bad":
                    assert row["achieved_percent"] == pytest.approx(shown[row["objective"]]["achieved"], rel=1e-9)


def test_a_part_of_a_month_takes_a_part_of_its_time(sink: ClickHouse, ask: Ask) -> None:
    """Twenty objectives over two days; ``make bench-reports`` does 200 over a month, 150 times as much."""
    assert month.store(sink, 20, 2) == 57_600
    scope = Scope(tenant="default", period=period("2026-10-01..2026-10-02", "UTC", MADE_MS))
    sla_report(ask, scope, month.objectives(20), Sla(), MADE_MS, "test")
    began = time.process_time()
    found = sla_report(ask, scope, month.objectives(20), Sla(), MADE_MS, "test")

    assert "of 20 objectives were met" in found.summary
    assert time.process_time() - began < 2, "processor seconds"
