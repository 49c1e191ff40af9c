"""From an event to a person: pending, firing, resolved; told once; and not forgotten by a worker that dies."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.events import heartbeat, metric
from tests.e2e.pipeline import Pipeline, pipeline
from tests.servers.alertmanager import Alertmanager
from tests.servers.ports import free_ports

RULE = """\
groups:
  - name: e2e
    rules:
      - alert: {name}
        expr: temperature_celsius > 30
        for: {hold}
        labels:
          severity: high
        annotations:
          summary: "{{{{ $labels.service }}}} is at {{{{ $value | printf \\"%.1f\\" }}}} °C in {{{{ $labels.room }}}}"
"""


@contextmanager
def watched(kafka: str, directory: Path, server: Alertmanager, hold: str, settings: str = "") -> Iterator[Pipeline]:
    """A running worker with one rule, an Alertmanager that is dead and one that is not."""
    [dead] = free_ports(1)
    rules = directory / "rules.yml"
    urls = [f"http://127.0.0.1:{dead}", server.url]
    sections = f"[alertmanager]\nurls = {urls}\n{settings}\n[rules]\nfiles = ['{rules}']\n"
    with pipeline(directory, kafka, sections) as running:
        rules.write_text(RULE.format(name=named(running), hold=hold))
        running.start()
        yield running


def named(running: Pipeline) -> str:
    """The name of the alert, which no other test has."""
    return f"Hot_{running.name}"


def measure(running: Pipeline, at: float, celsius: float) -> None:
    running.send("metrics", metric(at, "temperature.celsius", celsius, service="oven", room="3"))


def wait_for(running: Pipeline, *states: str) -> list[dict[str, Any]]:
    """The transitions of the alert, once they are these."""
    running.wait(lambda: len(running.history(named(running))) >= len(states), f"{states}", 40)
    found = running.history(named(running))
    assert [row["state"] for row in found] == list(states)
    return found


def start_of_history() -> int:
    """Some minutes ago, in the middle of a pane: event time passes by events, faster than the clock on the wall."""
    return int(time.time()) // 60 * 60 - 900 + 5


@pytest.mark.slow
def test_an_alert_goes_from_pending_to_firing_to_resolved_and_is_told_once(
    kafka: str, alertmanager: Alertmanager, tmp_path: Path
) -> None:
    """Though it is sent again and again, and one of two Alertmanagers is dead."""
    at, told = start_of_history(), alertmanager.webhook
    with watched(kafka, tmp_path, alertmanager, "30s", "resend_delay = 2.0") as running:
        name = named(running)
        measure(running, at, 35.5)
        wait_for(running, "pending")
        assert not told.notified("firing", alertname=name)
        measure(running, at + 60, 36.25)
        fired = told.wait_for("firing", alertname=name)
        assert fired["labels"] == {
            "alertname": name,
            "service": "oven",
            "room": "3",
            "severity": "high",
            "tenant": "default",
        }
        assert fired["annotations"] == {"summary": "oven is at 35.5 °C in 3"}

        def accepted() -> float:
            return running.metric("tidewatch_alert_posts_total", target=alertmanager.url, outcome="accepted")

        running.wait(lambda: accepted() >= 3, "two repetitions")
        alertmanager.wait_for_looks(2)
        assert len(told.notified("firing", alertname=name)) == 1

        measure(running, at + 120, 20)
        told.wait_for("resolved", alertname=name)
        pending, firing, resolved = wait_for(running, "pending", "firing", "resolved")
        assert pending["active"] == firing["active"] == resolved["active"] == pending["changed"]
        assert firing["changed"] - firing["active"] == 30
        assert (pending["reason"], firing["reason"], resolved["reason"]) == (
            "condition_true",
            "held_for",
            "condition_false",
        )
        assert len(told.notified("resolved", alertname=name)) == 1
        assert running.metric("tidewatch_alert_posts_total", outcome="unavailable") > 0
        running.stop()


@pytest.mark.slow
def test_a_worker_that_is_killed_forgets_no_alert_and_starts_none_over(
    kafka: str, alertmanager: Alertmanager, tmp_path: Path
) -> None:
    """Killed while the alert is pending, and again while it is firing."""
    at, told = start_of_history(), alertmanager.webhook
    with watched(kafka, tmp_path, alertmanager, "2m") as running:
        name = named(running)
        measure(running, at, 35)
        [pending] = wait_for(running, "pending")
        running.kill()
        running.start()
        measure(running, at + 60, 35)
        running.wait(lambda: running.lag("metrics", "alerts") == 0, "the second measurement")
        measure(running, at + 180, 35)
        told.wait_for("firing", alertname=name)
        _, firing = wait_for(running, "pending", "firing")
        assert (firing["active"], firing["changed"]) == (pending["active"], pending["active"] + 120)

        running.kill()
        running.start()
        measure(running, at + 240, 35)
        running.wait(lambda: running.metric("tidewatch_alerts", state="firing") == 1, "the alert to fire on")
        measure(running, at + 300, 20)
        told.wait_for("resolved", alertname=name)
        history = wait_for(running, "pending", "firing", "resolved")
        assert {row["active"] for row in history} == {pending["active"]}
        assert len(told.notified("firing", alertname=name)) == 1
        running.stop()


@pytest.mark.slow
def test_a_service_that_falls_silent_is_down_though_nothing_else_arrives(kafka: str, tmp_path: Path) -> None:
    """In real time: after 30 seconds without a heartbeat, and the time for which the rule waits."""
    rules = tmp_path / "rules.yml"
    rules.write_text("groups: [{name: e2e, rules: [{alert: Down, expr: up == 0, for: 2s}]}]")
    with pipeline(tmp_path, kafka, f"[rules]\nfiles = ['{rules}']\n") as running:
        running.start()
        last = time.time()
        running.send("metrics", heartbeat(last - 10, "oven"), heartbeat(last, "oven"))
        running.wait(lambda: len(running.history("Down")) == 2, "the alert to fire", 45)
        assert time.time() - last < 40

        pending, firing = running.history("Down")
        assert 30 < pending["active"] - last <= 31
        assert (pending["state"], firing["state"], firing["changed"] - pending["active"]) == ("pending", "firing", 2)
        assert firing["labels"] == {"alertname": "Down", "service": "oven"}
        running.stop()
