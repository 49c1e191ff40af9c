"""``tidewatch check`` and ``tidewatch test promql`` on the command line."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from streams.cli import main


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_check_without_files_checks_the_shipped_rules(tmp_path: Path, monkeypatch: object) -> None:
    with CliRunner().isolated_filesystem(tmp_path):
        result = run("check")
    assert (result.exit_code, result.output) == (0, "configuration, tidewatch.yml: 14 rules, no errors\n")


def test_check_shows_every_mistake_and_exits_with_1(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yml"
    bad.write_text("groups:\n- name: g\n  rules:\n  - {alert: A, expr: 'up +'}\n  - {alert: B, expr: up, for: x}\n")
    result = run("check", str(bad))
    assert result.exit_code == 1
    first, second, summary = result.output.splitlines()
    assert first.startswith(f"{bad}:4:27: expr of A: unexpected end")
    assert second.startswith(f"{bad}:5:31: for of alert rule 'B': 'x' is not a duration; write it like")
    assert summary == f"{bad}: 1 rule, 2 errors"


def test_check_json_has_a_place_for_every_mistake(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yml"
    bad.write_text("groups:\n- name: g\n  rules:\n  - {alert: A, expr: 'rate(up)'}\n")
    result = run("check", "--json", str(bad))
    (error,) = json.loads(result.output)["errors"]
    assert (error["file"], error["line"], error["column"]) == (str(bad), 4, 23)
    assert result.exit_code == 1


def test_check_reads_the_rule_files_that_the_configuration_names(tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text("groups: [{name: g, rules: [{record: a, expr: b}]}]")
    config = tmp_path / "tidewatch.toml"
    config.write_text(f'[rules]\nfiles = ["{tmp_path}/m*.yml"]\n')
    result = run("check", "--config", str(config))
    assert (result.exit_code, result.output) == (0, f"{config}, {tmp_path}/mine.yml: 1 rule, no errors\n")


def test_check_shows_mistakes_of_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "tidewatch.toml"
    config.write_text("[kafka]\ngruop = 1\n")
    result = run("check", str(config))
    assert result.exit_code == 1
    assert "gruop" in result.output


def test_check_says_which_file_is_missing() -> None:
    result = run("check", "no-such.yml")
    assert result.exit_code == 1
    assert "there is no file no-such.yml" in result.output


def test_test_promql_counts_and_shows_failures(tmp_path: Path) -> None:
    script = tmp_path / "s.test"
    script.write_text(
        "load 1m\n  a 1\n\neval instant at 0 a\n  a 2\n\neval instant at 0 a\n  a 1\n\neval instant at 0 info(a)\n"
    )
    result = run("test", "promql", str(script), "--skipped")
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"FAILED {script}:4: a",
        "  expected a 2.0@0s, got 1.0@0s",
        "skipped 1: info() is experimental in Prometheus and is not supported",
        "1 passed, 1 failed, 1 skipped",
    ]
    counts = json.loads(run("test", "promql", "--json", str(script)).output)
    assert (counts["passed"], counts["failed"], counts["skipped"], len(counts["evals"])) == (1, 1, 1, 3)


def test_check_knows_what_each_file_is(tmp_path: Path) -> None:
    """Ladders, service levels, a test of rules, and Alertmanager's configuration beside the rules."""
    ladders, levels, test = tmp_path / "ladders.yml", tmp_path / "sla.toml", tmp_path / "test.yml"
    ladders.write_text("ladders:\n  - steps: [{name: a, after: soon}]\n")
    levels.write_text("[targets]\nresponse_time = 1\n")
    test.write_text("rule_files: [rules.yml]\ntests: []\n")
    guide = Path(__file__).parents[1] / "alerts/guide_alertmanager.yml"
    result = run("check", str(ladders), str(levels), str(test), str(guide))
    assert result.exit_code == 1
    assert f"{ladders}:2:30: after of the step 'a': 'soon' is not a duration" in result.output
    assert f"{levels}: Object contains unknown field `response_time`" in result.output
    assert f"{test} is a test of rules; run it: tidewatch test rules {test}" in result.output
    assert f"{guide}:28:5: warning: nobody is told by the receiver 'critical': no route names it" in result.output


def test_check_looks_at_the_ladders_and_levels_that_the_configuration_names(tmp_path: Path) -> None:
    (tmp_path / "ladders.yml").write_text("ladders: [{}]\n")
    config = tmp_path / "tidewatch.toml"
    config.write_text(f'[escalation]\nfile = "{tmp_path}/ladders.yml"\n[sla]\nfile = "{tmp_path}/none.toml"\n')
    result = run("check", "--config", str(config))
    assert f"{tmp_path}/ladders.yml:1:11: a ladder has no steps" in result.output
    assert "none.toml is not a readable text file" in result.output


def test_a_file_of_rules_that_is_given_as_a_test_is_told_apart(tmp_path: Path) -> None:
    """As the monitoring guide gives it to promtool."""
    rules = tmp_path / "alert_rules.yml"
    rules.write_text("groups: [{name: g, rules: [{alert: A, expr: up}]}]")
    result = run("test", "rules", str(rules))
    assert result.exit_code == 1
    assert "this is a file of rules and no test; look at it with tidewatch check" in result.output
