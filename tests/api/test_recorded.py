"""What recording rules gave is stored once, and seen by queries and by backtests."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest

from schemas.sla import Sla
from schemas.tables import COLUMNS
from sinks.clickhouse import ClickHouse
from streams import stored
from streams.api.queries import asking
from streams.promql import Labels, compile_expression
from streams.rules import RuleEngine, compile_rules
from streams.stored import Extent, Resolution, extent_of
from streams.stored.cells import cells
from streams.stored.storage import series as stored_series
from streams.windows.panes import Cell, Series
from streams.windows.tenant import Settings, Tenant
from tests.api.stored import T, database

SIZES = Resolution(10_000, 1000, (60_000, 300_000, 3_600_000))
RULES = """
groups:
  - name: g
    rules:
      - {record: 'service:load:max', expr: 'max by (service, room) (load)', labels: {team: sre}}
      - {record: 'service:load:odd', expr: 'max by (service) (load) / 0'}
      - {alert: Gone, expr: 'absent(load)'}
"""
LOAD = Series("load", "gauge", (("room", "é"), ("service", "shop")), 10_000)

Row = tuple[Any, ...]


def tenant() -> Tenant:
    groups, problems = compile_rules(RULES, "r.yml")
    assert not problems
    engine = RuleEngine(groups, "default", 1000, store_recorded_every_ms=10_000)
    made = Tenant("default", Settings((60_000,), 600_000, 1000, 1000, Sla()), engine)
    for pane in range(6):
        start = T + pane * 10_000
        made.history.merge(LOAD, start, Cell(1, 2.0, 2.0, 2.0, 2.0 + pane, start))
    return made


def given(made: Tenant, seconds: Sequence[int], version: int) -> list[Row]:
    """The rows of an evaluation in each of these seconds."""
    for second in seconds:
        made.evaluate(T + second * 1000, live=False)
    return list(dict(made.rows(0, version))["recorded"])


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return given(tenant(), range(400), version=7)


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> Iterator[ClickHouse]:
    made = database(tmp_path_factory.mktemp("recorded"))
    for token in ("a", "b"):  # the second time as after a crash
        columns = dict(zip(COLUMNS["recorded"], zip(*rows, strict=True), strict=True))
        made.insert("recorded", columns, token)
    yield made


def test_one_sample_a_pane_is_stored_until_the_series_ends(rows: list[Row]) -> None:
    of_max = [row for row in rows if row[1] == "service:load:max"]
    assert of_max[0] == ("default", "service:load:max", "shop", '{"room":"é","team":"sre"}', T + 10_000, 7, 2.0, False)
    times = [(row[4] - T) // 1000 for row in of_max]
    assert times == [*range(10, 360, 10), 360]
    assert [row[-1] for row in of_max] == [False] * 35 + [True]


def test_a_worker_that_takes_over_gives_the_same_rows(rows: list[Row]) -> None:
    """Whenever the one before it stopped, and though it evaluates some instants again."""
    for stop in (8, 33, 359):
        first = tenant()
        before = given(first, range(stop), 7)
        kept = msgspec.msgpack.encode(first.engine.snapshot())
        lost = given(first, range(stop, min(stop + 15, 400)), 7)
        second = tenant()
        second.engine.restore(msgspec.msgpack.decode(kept))
        assert set(map(repr, before + lost + given(second, range(stop, 400), 7))) == set(map(repr, rows)), stop


def query(sink: ClickHouse, text: str, at: int) -> dict[str, float]:
    expression = compile_expression(text)
    selectors = [tuple(matchers) for matchers, _ in expression.selectors()]
    loaded = stored.load(asking(sink), "default", selectors, extent_of(expression, at, at), SIZES)
    value = expression.evaluate(loaded.storage, at)
    assert isinstance(value, list)
    return {str(sample.labels): sample.value for sample in value}


def test_queries_see_it_by_name_and_by_label(sink: ClickHouse) -> None:
    name = 'service:load:max{room="é", service="shop", team="sre"}'
    assert query(sink, "service:load:max", T + 45_000) == {name: 5.0}
    assert query(sink, '{team="sre"}', T + 45_000) == {name: 5.0}
    assert query(sink, "count_over_time(service:load:max[1m])", T + 100_000) == {
        name.removeprefix("service:load:max"): 6
    }
    assert query(sink, "service:load:odd", T + 45_000) == {'service:load:odd{service="shop"}': float("inf")}
    assert query(sink, "service:load:max", T + 361_000) == {}, "it has ended"
    assert Labels({"__name__": "service:load:odd", "service": "shop"}) in stored_series(
        asking(sink), "default", Extent(T, T + 60_000), SIZES
    )


def test_a_backtest_of_other_rules_reads_it(sink: ClickHouse) -> None:
    def replayed(*own: str) -> set[tuple[int, str, float]]:
        found = cells(asking(sink), "default", None, T, T + 60_000, SIZES, own)
        return {((start - T) // 1000, series.name, cell.last) for start, series, cell in found}

    assert replayed() == {(pane * 10, "service:load:max", 2.0 + pane) for pane in range(6)}
    assert replayed("service:load:max") == set()
