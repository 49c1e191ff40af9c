"""``tidewatch backtest``: history through rules, compared with what the rules did live."""

import json
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from streams.api.answers import instant
from streams.cli import main
from streams.stored.backtest import FLAP_MS, Firing, flaps
from tests.api.stored import RULES, T, database, insert, observed, shard

AT = T // 1000
Run = Callable[..., Result]

MORE = """
groups:
  - name: more
    rules:
      - alert: Silent
        expr: up == 0
      - alert: Slow
        expr: sla_latency_p95_ms > 100
      - alert: Recorded
        expr: avg_over_time(service:requests:rate1m[1m]) > 0
      - alert: Broken
        expr: up * on () group_left () requests_total > 0
      - record: service:requests:rate1m
        expr: sum by (service) (rate(requests_total[1m]))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    directory = tmp_path_factory.mktemp("backtest")
    sink = database(directory)
    observed(sink, [(at, "requests_total", "counter", 5.0, "{}") for at in range(0, 60_000, 10_000)])
    observed(sink, [(at, "request_duration_seconds", "histogram", 0.2, "{}") for at in range(0, 60_000, 10_000)])
    insert(sink, "raw_health", [{"time": T, "component": "db", "status": "up", "check_duration_ms": 3.0}])
    sink.close()
    for name, text in (("rules.yml", RULES), ("more.yml", MORE)):
        (directory / name).write_text(text)
    config = directory / "tidewatch.toml"
    config.write_text(f"[clickhouse]\nurl = 'chdb:{directory / 'data'}'\nembedded_port = 1\n")

    def invoke(file: str, *arguments: str) -> Result:
        return CliRunner().invoke(main, ["backtest", str(directory / file), *arguments, "--config", str(config)])

    yield invoke


def test_history_gives_the_alerts_that_the_rules_gave_live(run: Run) -> None:
    """The tenant of ``shard`` saw the same events as a worker does; both saw each pane when it had ended."""
    result = run("rules.yml", "--from", str(AT), "--to", str(AT + 60), "--json")
    assert result.exit_code == 0, result.output
    (firing,) = json.loads(result.stdout)["firings"]
    (live,) = shard().tenants["default"].engine.active()
    assert live.state == "firing"
    assert firing["labels"] == live.labels
    assert (firing["active_at"], firing["fired_at"]) == (instant(live.active_at_ms), instant(live.changed_at_ms))
    assert firing["resolved_at"] is None


def test_a_summary_counts_firings_and_theirinstant(run: Run) -> None:
    found = json.loads(run("rules.yml", "--from", str(AT), "--to", str(AT + 7200), "--step", "10s", "--json").stdout)
    (rule,) = found["rules"]
    assert (rule["rule"], rule["fired"], rule["flaps"]) == ("TooMany", 1, 0)
    assert found["firings"][0]["resolved_at"] is not None
    assert rule["duration_ms"] == found["firings"][0]["duration_ms"]
    assert found["from"] == instant(T)


def test_silence_service_levels_and_recorded_series_count_too(run: Run) -> None:
    result = run("more.yml", "--from", str(AT + 50), "--to", str(AT + 90), "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    fired = {rule["rule"]: rule["fired"] for rule in found["rules"]}
    assert fired == {"Silent": 1, "Slow": 1, "Recorded": 1, "Broken": 0}
    (silent,) = [firing for firing in found["firings"] if firing["rule"] == "Silent"]
    assert silent["fired_at"] == instant(T + 30_500)


def test_a_rule_that_had_fired_before_the_period_fires_in_it(run: Run) -> None:
    found = json.loads(run("rules.yml", "--from", str(AT + 55), "--to", str(AT + 58), "--json").stdout)
    assert len(found["firings"]) == 1


def test_for_people_it_prints_two_tables(run: Run) -> None:
    lines = run("rules.yml", "--from", str(AT), "--to", str(AT + 60)).stdout.splitlines()
    assert lines[0].split() == ["fired", "for", "rule", "labels", "value"]
    assert 'TooMany {service="shop", severity="high"}' in " ".join(lines[1].split())
    assert "still firing" in lines[1]
    assert lines[-1].split()[:3] == ["TooMany", "1", lines[1].split()[1].rstrip(",")]


@pytest.mark.parametrize(
    ("file", "arguments", "code", "text"),
    [
        ("rules.yml", [], 2, "--from"),
        ("rules.yml", ["--from", "soon"], 2, "'--from': 'soon' is no time"),
        ("rules.yml", ["--from", "20", "--to", "10"], 2, "--to has to be after --from"),
        ("none.yml", ["--from", "10", "--to", "20"], 1, "no file matches"),
        ("rules.yml", ["--from", "10", "--to", "20", "--step", "0"], 1, "--step has to be positive"),
    ],
)
def test_mistakes_are_one_sentence(run: Run, file: str, arguments: list[str], code: int, text: str) -> None:
    result = run(file, *arguments)
    assert result.exit_code == code
    assert text in result.stderr


def test_an_alert_that_comes_back_soon_flaps() -> None:
    def firing(begin: int, end: int | None, **labels: str) -> Firing:
        return Firing("r", "g", labels, {}, 1.0, begin, begin, end)

    later = FLAP_MS + 20
    assert flaps([firing(0, 10), firing(20, 30), firing(later + 20, None)]) == 1
    assert flaps([firing(0, 10, a="1"), firing(20, 30, a="2")]) == 0
