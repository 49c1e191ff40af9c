"""Up the ladder on real Kafka and a real Alertmanager: each step once, though workers die; none once it is in hand."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.events import metric
from tests.e2e.pipeline import Pipeline, pipeline
from tests.servers.alertmanager import Alertmanager

RULES = """\
groups:
  - name: e2e
    rules:
      - {{alert: {name}, expr: temperature_celsius > 30, labels: {{severity: critical}}}}
"""

LADDERS = """\
ladders:
  - match: [severity = critical]
    steps: [{name: on-call, after: 0s}, {name: manager, after: 3s}, {name: vp, after: VP}]
"""


@contextmanager
def watched(kafka: str, directory: Path, server: Alertmanager, vp: str) -> Iterator[tuple[Pipeline, str]]:
    """A running worker with one rule and one ladder of seconds, and the name of the alert."""
    rules, ladders = directory / "rules.yml", directory / "escalation.yml"
    ladders.write_text(LADDERS.replace("VP", vp))
    sections = f"[alertmanager]\nurls = ['{server.url}']\nresend_delay = 15.0\n[rules]\nfiles = ['{rules}']\n"
    with pipeline(directory, kafka, sections + f"[escalation]\nfile = '{ladders}'\n") as running:
        name = f"Hot_{running.name}"
        rules.write_text(RULES.format(name=name))
        running.start()
        yield running, name


def measure(running: Pipeline, celsius: float, *rooms: str, after: float = 0) -> None:
    at = int(time.time()) // 60 * 60 - 300 + after
    running.send("metrics", *(metric(at, "temperature.celsius", celsius, room=room) for room in rooms))


def steps(running: Pipeline, name: str, room: str) -> list[str]:
    return [row["step"] or row["reason"] for row in running.handling(name) if row["labels"]["room"] == room]


@pytest.mark.slow
def test_each_step_is_told_once_though_the_worker_is_killed_on_the_way(
    kafka: str, alertmanager: Alertmanager, tmp_path: Path
) -> None:
    told = alertmanager.webhook
    with watched(kafka, tmp_path, alertmanager, vp="12s") as (running, name):
        measure(running, 35, "3")
        told.wait_for("firing", 60, alertname=name, escalation="manager")
        running.kill()
        running.start()
        told.wait_for("firing", 40, alertname=name, escalation="vp")
        running.wait(lambda: len(steps(running, name, "3")) == 3, "three steps", 20)
        on_call, manager, vp = running.handling(name)
        assert [row["step"] for row in (on_call, manager, vp)] == ["on-call", "manager", "vp"]
        assert 3 <= manager["noted"] - on_call["noted"] < 20
        assert 9 <= vp["noted"] - manager["noted"] < 60

        measure(running, 20, "3", after=120)
        for step in ({}, {"escalation": "manager"}, {"escalation": "vp"}):
            told.wait_for("resolved", 40, alertname=name, **step)
        alertmanager.wait_for_looks(2)
        fired = told.notified("firing", alertname=name)
        assert sorted(each["labels"].get("escalation", "") for each in fired) == ["", "manager", "vp"]
        running.stop()


@pytest.mark.slow
def test_whoever_acknowledges_or_silences_an_alert_keeps_it_from_the_next_step(
    kafka: str, alertmanager: Alertmanager, tmp_path: Path
) -> None:
    told = alertmanager.webhook
    with watched(kafka, tmp_path, alertmanager, vp="45s") as (running, name):
        measure(running, 35, "3", "4")
        told.wait_for("firing", 60, alertname=name, room="4", escalation="manager")
        running.wait(lambda: len(running.query(f"SELECT 1 FROM alerts WHERE rule = '{name}'")) == 2, "both alerts")
        answer = running.tidewatch("alerts", "ack", "room=3", "--by", "ada", "--comment", "a fan broke", "--json")
        [acknowledged] = json.loads(answer.stdout)
        assert acknowledged["labels"]["room"] == "3"
        told.wait_for("firing", 90, alertname=name, room="4", escalation="vp")
        assert not told.notified("firing", alertname=name, room="3", escalation="vp")
        [row] = [row for row in running.handling(name) if row["reason"] == "acknowledged"]
        assert (row["author"], row["comment"]) == ("ada", "a fan broke")
        listed = json.loads(running.tidewatch("alerts", "list", "--json").stdout)
        assert {each["labels"]["room"]: each["acknowledged_by"] for each in listed} == {"3": "ada", "4": ""}

        alertmanager.silence(alertname=name, room="5")
        measure(running, 35, "5", "6", after=60)
        told.wait_for("firing", 40, alertname=name, room="6", escalation="manager")
        running.wait(lambda: "silenced" in steps(running, name, "5"), "the silence to be seen", 20)
        assert steps(running, name, "6")[:2] == ["on-call", "manager"]
        assert "manager" not in steps(running, name, "5")
        assert not told.notified("firing", alertname=name, room="5")
        running.stop()
