"""``tidewatch alerts drill`` against a real Alertmanager with the routes that are deployed."""

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner

from streams.cli import main
from tests.deploy.test_alertmanager import with_webhooks_only
from tests.servers.alertmanager import Alertmanager


def test_a_drill_goes_through_every_route_and_is_over_afterwards(
    start_alertmanager: Callable[..., Alertmanager], tmp_path: Path
) -> None:
    server = start_alertmanager(config=with_webhooks_only())
    config = tmp_path / "tidewatch.toml"
    config.write_text(f"[alertmanager]\nurls = ['{server.url}']\n")

    run = CliRunner().invoke(main, ["alerts", "drill", "--json", "--config", str(config)])

    assert run.exit_code == 0, run.output
    told = {each["route"]: each["receivers"] for each in json.loads(run.stdout)}
    assert told == {
        "{}": ["low"],
        '{severity=~"critical|page"}': ["on-call"],
        '{severity=~"critical|page", escalation="manager"}': ["manager"],
        '{severity=~"critical|page", escalation="vp"}': ["vp"],
        '{severity="high"}': ["channel"],
        '{severity="high", escalation="backup"}': ["backup"],
        '{severity="high", escalation="lead"}': ["lead"],
        '{severity=~"medium|ticket"}': ["medium"],
    }
    for (receiver,) in told.values():
        fired = [p for p in server.webhook.payloads if p["receiver"] == receiver and p["status"] == "firing"]
        assert fired, [(p["receiver"], p["status"], p["groupLabels"]) for p in server.webhook.payloads]
        assert fired[0]["alerts"][0]["annotations"]["summary"] == "This is a drill"
    server.webhook.wait_for("resolved", alertname="TidewatchDrill", severity="critical", escalation="vp")


def test_a_drill_that_is_silenced_is_a_failure(start_alertmanager: Callable[..., Alertmanager], tmp_path: Path) -> None:
    server = start_alertmanager()
    server.silence(alertname="TidewatchDrill")
    config = tmp_path / "tidewatch.toml"
    config.write_text(f"[alertmanager]\nurls = ['{server.url}']\n")
    run = CliRunner().invoke(main, ["alerts", "drill", "--hold", "0s", "--config", str(config)])
    assert run.exit_code == 1
    assert run.stdout.splitlines()[1].split(maxsplit=4) == [server.url, "{}", "webhook", "webhook", "it is silenced"]


def test_without_an_alertmanager_there_is_nothing_to_drill(tmp_path: Path) -> None:
    config = tmp_path / "tidewatch.toml"
    config.write_text("")
    run = CliRunner().invoke(main, ["alerts", "drill", "--config", str(config)])
    assert (run.exit_code, run.stderr) == (
        1,
        "Error: there is no Alertmanager to drill: name one in alertmanager.urls\n",
    )
