"""Panes out of ClickHouse: the statements fold events as ingest does."""

import random
from collections.abc import Iterator

import numpy as np
import pytest

from schemas.failures import Rejected
from sinks.clickhouse import ClickHouse
from streams import stored
from streams.api.queries import asking
from streams.ingest.fold import cells
from streams.promql import Matcher, compile_expression
from streams.stored import Extent, Resolution, extent_of
from streams.windows.history import History
from streams.windows.panes import Series
from streams.windows.series import SeriesTable
from tests.api.stored import T, database, insert, observed

SIZES = Resolution(10_000, 1000, (60_000, 300_000, 3_600_000))


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    made = database(tmp_path_factory.mktemp("stored"))
    random_ = random.Random(4)
    latencies = [
        (random_.randrange(120_000), random_.choice([0.0, -3.0, random_.expovariate(0.1)])) for _ in range(400)
    ]
    observed(
        made,
        [
            *((at, "system.latency_ms", "histogram", value, '{"path":"/a"}') for at, value in latencies),
            *((at, "requests_total", "counter", 5.0, "{}") for at in range(0, 60_000, 10_000)),
            *((at, "temperature", "gauge", float(at), '{"room":"é"}') for at in range(0, 120_000, 7_000)),
        ],
    )
    insert(made, "raw_security", [{"time": T + 500, "kind": "auth_failure", "outcome": "failure", "address": "::1"}])
    insert(made, "raw_health", [{"time": T, "component": "db", "status": "up", "check_duration_ms": 3.0}])
    yield made


def query(sink: ClickHouse, text: str, at: int, tenant: str = "default") -> dict[str, float]:
    expression = compile_expression(text)
    selectors = [tuple(matchers) for matchers, _ in expression.selectors()]
    loaded = stored.load(asking(sink), tenant, selectors, extent_of(expression, at, at), SIZES)
    value = expression.evaluate(loaded.storage, at)
    assert isinstance(value, list)
    return {str(sample.labels): sample.value for sample in value}


def test_histograms_are_folded_as_ingest_folds_them(sink: ClickHouse) -> None:
    """Buckets, counts and sums of random values, zeros and negative ones too, at the end of every pane."""

    rows = sink.query("SELECT toUnixTimestamp64Milli(time) AS at, value FROM raw_metrics WHERE kind = 'histogram'")
    table = SeriesTable()
    table.intern("x", "default", "system_latency_ms", "histogram", {"path": "/a", "service": "shop"}, 10_000)
    times, values = np.array([row["at"] for row in rows]), np.array([row["value"] for row in rows])
    history = History(lambda _: True, 3_600_000)
    for number, start, cell in cells(table, np.zeros(len(rows), dtype=np.int64), times, values).each():
        history.merge(Series.unpacked(table.packed[number]), start, cell)
    history.clock.set(T + 130_000, live=False)
    everything = (Matcher("path", "=", "/a"),)
    loaded = stored.load(asking(sink), "default", [everything], Extent(T - 1, T + 130_000), SIZES)
    expected = {str(sorted(one.labels.items())): one.samples(T - 1, T + 130_000) for one in history.select(everything)}
    found = {
        str(sorted(one.labels.items())): one.samples(T - 1, T + 130_000) for one in loaded.storage.select(everything)
    }
    assert len(expected) == 25
    assert found.keys() == expected.keys()
    for key, (when, samples) in expected.items():
        assert list(found[key][0]) == list(when)
        assert list(found[key][1]) == pytest.approx(list(samples), rel=1e-9)


@pytest.mark.parametrize(
    ("text", "seconds", "expected"),
    [
        ("requests_total", 25, {'requests_total{service="shop"}': 15.0}),
        ("rate(requests_total[1m])", 60, {'{service="shop"}': 0.5}),
        ("temperature", 120, {'temperature{room="é", service="shop"}': 119_000.0}),
        ("temperature @ 0", 60, {}),
        (f"temperature @ {T / 1000 + 21}", 999, {'temperature{room="é", service="shop"}': 14_000.0}),
        ("temperature offset -1m", 0, {'temperature{room="é", service="shop"}': 56_000.0}),
        ("auth_failures_total", 10, {'auth_failures_total{address="::1", service="shop"}': 1.0}),
        ('{__name__=~"security_.*", kind!=""}', 9, None),
        ("up", 20, {'up{component="db", service="shop"}': 1.0}),
        ("up", 40, {'up{component="db", service="shop"}': 0.0}),
        ("sum(health_check_duration_ms_bucket{le='2.5'})", 9, {"{}": 0.0}),
        ("sum(health_check_duration_ms_bucket{le='5'})", 9, {"{}": 1.0}),
        ("nothing", 9, {}),
    ],
)
def test_queries(sink: ClickHouse, text: str, seconds: float, expected: dict[str, float] | None) -> None:
    found = query(sink, text, T + int(seconds * 1000))
    if expected is None:
        expected = {'security_events_total{kind="auth_failure", outcome="failure", service="shop"}': 1.0}
    assert found == pytest.approx(expected)


def test_long_queries_see_windows_and_the_raw_rows_after_them(sink: ClickHouse) -> None:
    """The first minute stands in a window with a number of its own, which shows that it was read."""
    observed(sink, [(at, "n", "counter", 1.0, "{}") for at in range(0, 130_000, 1000)], tenant="long")
    window = {
        "tenant": "long",
        "window_seconds": 60,
        "window_start": T,
        "version": 1,
        "name": "n",
        "kind": "counter",
        "labels": "{}",
    }
    numbers = {"count": 1000, "sum": 1000.0, "min": 1.0, "max": 1.0, "last": 1.0, "zero_count": 0, "scale": 6}
    empty = {**dict.fromkeys(("p50", "p90", "p95", "p99")), "buckets": {}, "negative_buckets": {}}
    insert(sink, "windows", [{**window, **numbers, **empty}])
    expression = compile_expression("n")
    for start, expected in ((T, [60.0, 120.0]), (T - 7 * 3_600_000, [1000.0, 1060.0])):
        loaded = stored.load(asking(sink), "long", [expression.selectors()[0][0]], Extent(start, T + 120_000), SIZES)
        values = [expression.evaluate(loaded.storage, T + at)[0].value for at in (60_000, 120_000)]  # type: ignore[index, union-attr]
        assert values == expected


def test_what_was_counted_before_is_part_of_a_total(sink: ClickHouse) -> None:
    """By the largest windows, so that a total does not depend on how far a query reaches."""
    observed(sink, [(0, "n", "counter", 1.0, '{"a":"/"}')], tenant="before")
    window = {
        "tenant": "before",
        "window_seconds": 3600,
        "version": 1,
        "name": "n",
        "kind": "counter",
        "labels": '{"a":"/"}',
    }
    numbers = {"count": 7, "sum": 70.0, "min": 1.0, "max": 1.0, "last": 1.0, "zero_count": 0, "scale": 6}
    empty = {**dict.fromkeys(("p50", "p90", "p95", "p99")), "buckets": {}, "negative_buckets": {}}
    starts = (T - 30 * 3_600_000, T - 20 * 3_600_000)
    insert(sink, "windows", [{**window, "window_start": start, **numbers, **empty} for start in starts])
    assert list(query(sink, "n", T + 10_000, "before").values()) == [141.0]


def test_alerts_are_series_from_their_history(sink: ClickHouse) -> None:
    alert = {"rule": "A", "rule_group": "g", "fingerprint": 1, "labels": {"alertname": "A"}, "annotations": {}}
    more = {"reason": "condition_true", "value": 1.0, "active_at": T, "expression": "x", "recorded_at": T}
    changes = [("pending", 0), ("firing", 60_000), ("resolved", 120_000)]
    insert(sink, "alert_history", [{**alert, **more, "state": s, "changed_at": T + at} for s, at in changes])
    at = {seconds: query(sink, "ALERTS", T + seconds * 1000) for seconds in (30, 90, 119, 120)}
    assert list(at[30]) == ['ALERTS{alertname="A", alertstate="pending"}']
    assert list(at[90]) == list(at[119]) == ['ALERTS{alertname="A", alertstate="firing"}']
    assert at[120] == {}
    assert query(sink, "ALERTS_FOR_STATE", T + 90_000) == {'ALERTS_FOR_STATE{alertname="A"}': T / 1000}


def test_a_query_that_reaches_too_much_is_refused(sink: ClickHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.stored.storage.MOST_PANES", 5)
    with pytest.raises(Rejected, match="more than 5 panes; choose fewer series or less time"):
        query(sink, "requests_total", T + 60_000)
