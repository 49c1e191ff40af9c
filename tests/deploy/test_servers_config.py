"""Configuration of the servers around Tidewatch, checked by those servers' own tools where there are any."""

import subprocess
import xml.etree.ElementTree as ElementTree

import pytest
import yaml

from schemas.config import ClickHouse as Settings
from sinks.clickhouse import ClickHouse
from tests.deploy.dashboards import DEPLOY

USERS = ElementTree.parse(DEPLOY / "clickhouse/users.xml").getroot().find("users")


def run(*command) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.promtool
def test_prometheus_accepts_its_configuration_and_rules(promtool):
    """`promtool check config` reads the rule files too."""
    checked = run(promtool, "check", "config", DEPLOY / "prometheus/prometheus.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "rules found" in checked.stdout


@pytest.mark.promtool
def test_a_worker_that_stands_still_is_noticed(promtool, tmp_path):
    """The rules fire for what they are for, and are silent about a pipeline that works."""
    (tmp_path / "rules.yml").write_text((DEPLOY / "prometheus/rules/tidewatch.yml").read_text())
    (tmp_path / "test.yml").write_text(RULE_TESTS)
    tested = run(promtool, "test", "rules", tmp_path / "test.yml")
    assert tested.returncode == 0, tested.stdout + tested.stderr


RULE_TESTS = """
rule_files: [rules.yml]
tests:
  - name: a pipeline that works
    interval: 1m
    input_series: &healthy
      - {series: 'up{job="tidewatch", instance="a"}', values: 1x20}
      - {series: 'tidewatch_consumer_lag{topic="metrics", partition="0"}', values: 5 0 3 0 9 0 5 0 3 0 9 0 5 0 3 0 9}
      - {series: 'tidewatch_insert_rows_total{table="raw_metrics"}', values: 0+600x20}
      - {series: 'tidewatch_records_total{topic="metrics"}', values: 0+1000x20}
      - {series: 'tidewatch_dead_letters_total{reason="malformed_json"}', values: 0+1x20}
      - {series: 'tidewatch_protocol_anomalies_total{kind="gap"}', values: 0x20}
    promql_expr_test:
      - {expr: 'ALERTS', eval_time: 15m, exp_samples: []}
  - name: no worker answers
    interval: 1m
    input_series:
      - {series: 'up{job="tidewatch", instance="a"}', values: 1x5 0x15}
    promql_expr_test:
      - expr: 'count by (alertname, alertstate) (ALERTS)'
        eval_time: 10m
        exp_samples: [{labels: '{alertname="TidewatchDown", alertstate="firing"}', value: 1}]
  - name: nothing is stored, and an offset was skipped
    interval: 1m
    input_series:
      - {series: 'up{job="tidewatch", instance="a"}', values: 1x20}
      - {series: 'tidewatch_consumer_lag{topic="metrics", partition="0"}', values: 0+60000x20}
      - {series: 'tidewatch_insert_rows_total{table="raw_metrics"}', values: 600x20}
      - {series: 'tidewatch_protocol_anomalies_total{kind="gap"}', values: 0x10 1x10}
    promql_expr_test:
      - expr: 'count by (alertname) (ALERTS{alertstate="firing"})'
        eval_time: 15m
        exp_samples:
          - {labels: '{alertname="TidewatchStandsStill"}', value: 1}
          - {labels: '{alertname="TidewatchProtocolAnomaly"}', value: 1}
          - {labels: '{alertname="TidewatchFallsBehind"}', value: 1}
"""


@pytest.mark.parametrize("user", list(USERS), ids=lambda user: user.tag)
def test_a_clickhouse_user_has_a_password_or_stays_inside(user):
    """The user without a password reaches the server from its own container only; none may manage access."""
    password = user.find("password")
    if password is None:
        networks = user.find("networks")
        assert networks.get("replace") == "replace"
        assert {address.text for address in networks} == {"127.0.0.1", "::1"}
    else:
        assert password.get("from_env")
        assert not password.text
    assert user.find("access_management") is None


def test_clickhouse_grants_are_statements_about_one_database(tmp_path):
    """Each grant parses in ClickHouse; only the migrator changes tables, and the reader only reads."""
    clickhouse = ClickHouse(Settings(url=f"chdb:{tmp_path}"))
    try:
        grants = {user.tag: [query.text for query in user.iter("query")] for user in USERS}
        for statement in (statement for statements in grants.values() for statement in statements):
            [row] = clickhouse.query("SELECT formatQuery({sql:String}) AS sql", {"sql": f"{statement} TO somebody"})
            assert row["sql"].endswith("ON tidewatch.* TO somebody")
    finally:
        clickhouse.close()
    assert grants["tidewatch_reader"] == ["GRANT SELECT ON tidewatch.*"]
    assert grants["tidewatch_writer"] == ["GRANT SELECT, INSERT ON tidewatch.*"]
    assert [name for name, statements in grants.items() if "CREATE" in str(statements)] == ["tidewatch_migrator"]


def test_the_clickhouse_reader_is_read_only():
    """Its profile allows no change, and of the settings only the one that Grafana sends."""
    profiles = ElementTree.parse(DEPLOY / "clickhouse/users.xml").getroot().find("profiles")
    assert USERS.find("tidewatch_reader/profile").text == "tidewatch_reader"
    assert profiles.find("tidewatch_reader/readonly").text == "1"
    changeable = profiles.find("tidewatch_reader/constraints")
    assert [setting.tag for setting in changeable if setting.find("changeable_in_readonly") is not None] == [
        "max_execution_time"
    ]


def test_grafana_takes_passwords_from_files():
    """A provisioned data source names the file of a secret."""
    sources = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/tidewatch.yml").read_text())["datasources"]
    secrets = [value for source in sources for value in source.get("secureJsonData", {}).values()]
    assert secrets == ["$__file{/run/secrets/clickhouse_reader_password}"]
