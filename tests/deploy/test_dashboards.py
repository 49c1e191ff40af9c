"""Each dashboard's queries run against the tables that Tidewatch makes, and name metrics that it has."""

import re
from collections.abc import Iterator

import promql_parser
import pytest
import yaml
from prometheus_client import CollectorRegistry

from schemas.config import ClickHouse as Settings
from sinks.clickhouse import ClickHouse
from sinks.migrations import migrate
from streams.telemetry.metrics import Metrics
from tests.deploy.dashboards import DASHBOARDS, DEPLOY, Query, expand_promql, expand_sql, queries

CLICKHOUSE = queries("grafana-clickhouse-datasource")
PROMETHEUS = queries("prometheus")

RULES = [
    Query(f"rule {rule['alert']}", "prometheus", rule["expr"], time_series=False)
    for path in DEPLOY.glob("prometheus/rules/*.yml")
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
]

SINCE, UNTIL = 1_795_341_600, 1_795_345_200  # 2026-11-22, 10:00 to 11:00 UTC
VARIABLES = {"tenant": "it's", "service": "front", "framework": "gdpr", "window": "60"}

SAMPLES = [
    "sla_windows (tenant, service, window_seconds, window_start, version, total, errors, availability_percent,"
    " breaches) VALUES ('it\\'s', 'front', 60, {now}, 1, 121, 61, 49.6, ['availability'])",
    "raw_security (time, tenant, service, kind, outcome, actor, address, ingested_at) VALUES"
    " ({now}, 'it\\'s', 'front', 'auth_failure', 'failure', 'root', '203.0.113.9', {now}),"
    " ({now}, 'it\\'s', 'front', 'phi_access', 'success', 'ann', '', {now}),"
    " ({now}, 'it\\'s', 'front', 'policy_change', 'denied', 'ann', '', {now})",
    "verdicts (time, tenant, service, policy, framework, control, verdict, reason, _offset, ingested_at) VALUES"
    " ({now}, 'it\\'s', 'front', 'p', 'gdpr', 'art-6', 'compliant', '', 1, {now}),"
    " ({now}, 'it\\'s', 'front', 'p', 'gdpr', 'art-6', 'non_compliant', 'why', 2, {now})",
    "alert_history (tenant, rule, fingerprint, labels, state, reason, changed_at, recorded_at) VALUES"
    " ('it\\'s', 'SLABreach', 1, {{'service': 'front', 'severity': 'critical'}}, 'firing', 'held_for', {now}, {now})",
    "raw_metrics (time, tenant, service, name, kind, value, _topic, ingested_at) VALUES"
    " ({now}, 'it\\'s', 'front', 'requests_total', 'counter', 1, 'metrics', {now})",
    "dead_letters (reason, detail, _topic, ingested_at) VALUES ('malformed_json', 'text', 'metrics', {now})",
]


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> Iterator[ClickHouse]:
    """The tables with a row or two in each, half-way through the time range."""
    directory = tmp_path_factory.mktemp("dashboards")
    clickhouse = ClickHouse(Settings(url=f"chdb:{directory}", retention_days=20_000))
    migrate(clickhouse)
    for sample in SAMPLES:
        clickhouse.command(f"INSERT INTO {sample.format(now=(SINCE + UNTIL) // 2)}")
    yield clickhouse
    clickhouse.close()


@pytest.mark.parametrize("query", CLICKHOUSE, ids=lambda query: query.place)
def test_a_clickhouse_query_runs_and_finds_rows(database, query):
    """Every query of every panel and variable gives rows; a time series begins with its time."""
    rows = database.query(expand_sql(query.text, SINCE, UNTIL, VARIABLES))
    assert rows
    if query.time_series:
        assert SINCE - 3600 <= next(iter(rows[0].values())).timestamp() <= UNTIL


@pytest.mark.parametrize("query", CLICKHOUSE, ids=lambda query: query.place)
def test_a_clickhouse_query_stays_within_time_and_tenant(database, query):
    """Outside the chosen time nothing is shown, except alerts that still fire; of another tenant, never anything."""
    other_time = expand_sql(query.text, SINCE - 86_400, SINCE - 82_800, VARIABLES)
    if "FROM alerts" not in query.text and ": variable" not in query.place:
        shown = database.query(other_time)
        assert all(value in (None, 0) for row in shown for value in row.values())
    if "${tenant" in query.text:
        shown = database.query(expand_sql(query.text, SINCE, UNTIL, VARIABLES | {"tenant": "other"}))
        assert all(value in (None, 0) for row in shown for value in row.values())


def metric_names() -> set[str]:
    """Every series name that a worker exposes, and the one that Prometheus adds."""
    registry = CollectorRegistry()
    Metrics(registry)
    names = {"up"}
    for family in registry.collect():
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "info": ["_info"]}
        names |= {family.name + suffix for suffix in suffixes.get(family.type, [""])}
    return names


def selected(node) -> Iterator[promql_parser.VectorSelector]:
    """The selectors of a parsed expression."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for name in ("expr", "lhs", "rhs", "vector_selector", "param"):
        child = getattr(node, name, None)
        if child is not None and not isinstance(child, str):
            yield from selected(child)
    for child in getattr(node, "args", None) or []:
        yield from selected(child)


@pytest.mark.parametrize("query", [*PROMETHEUS, *RULES], ids=lambda query: query.place)
def test_a_prometheus_query_parses_and_names_metrics_that_exist(query):
    """A renamed metric must not leave an empty panel or a silent rule behind."""
    names = {selector.name for selector in selected(promql_parser.parse(expand_promql(query.text)))}
    assert set(re.findall(r"tidewatch_\w+", query.text)) <= names
    assert names <= metric_names()


def test_there_is_a_dashboard_for_each_audience():
    """SLA, security, compliance and pipeline, each with panels that say what they show and do not overlap."""
    assert list(DASHBOARDS) == ["compliance", "pipeline", "security", "sla"]
    for board in DASHBOARDS.values():
        assert all(panel["description"] and panel["targets"] for panel in board["panels"])
        places = [
            (x, y)
            for panel in board["panels"]
            for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        ]
        assert len(places) == len(set(places))
        assert max(x for x, _ in places) < 24


def test_dashboards_use_the_data_sources_that_are_provisioned():
    """A panel's data source has the uid and type of one in the provisioning file."""
    provisioned = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/tidewatch.yml").read_text())["datasources"]
    known = {(source["type"], source["uid"]) for source in provisioned}
    used = {
        (target["datasource"]["type"], target["datasource"]["uid"])
        for board in DASHBOARDS.values()
        for panel in board["panels"]
        for target in panel["targets"]
    }
    assert used <= known
