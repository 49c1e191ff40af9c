"""The whole demo, as a user runs it."""

import csv
import json
import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo.story import DATA

pytestmark = pytest.mark.slow

_TIMEOUT = 180


def tidewatch(*arguments: str, **more: Any) -> "subprocess.Popen[str]":
    """The command, in a process of its own."""
    command = [sys.executable, "-m", "streams.cli", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def rows(data: Path, statement: str) -> list[dict[str, Any]]:
    """What the kept directory answers afterwards."""
    asking = tidewatch("sql", "--json", statement, env={**os.environ, "TIDEWATCH_CONFIG": str(data / "tidewatch.toml")})
    out, err = asking.communicate(timeout=60)
    assert asking.returncode == 0, err
    found: list[dict[str, Any]] = json.loads(out)
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """One run, its directory and its summary."""
    data = tmp_path_factory.mktemp("demo") / "run"
    running = tidewatch("demo", "--json", "--speed", "240x", "--data", str(data))
    out, err = running.communicate(timeout=_TIMEOUT)
    assert running.returncode == 0, err
    return data, json.loads(out)


def test_every_record_is_a_row_or_a_dead_letter(run: tuple[Path, dict[str, Any]]) -> None:
    """Nothing is lost and nothing is there twice."""
    _, summary = run
    assert summary["published"] > 28_000
    assert summary["raw_rows"] + summary["dead_letters"] == summary["published"]
    assert summary["dead_letters"] == 18
    assert set(summary["dead_letters_by_reason"].values()) == {2}


def test_availability_is_that_of_the_record_in_every_minute(run: tuple[Path, dict[str, Any]]) -> None:
    """So the front service dips at the faults: the worst minute is the one after the first of them."""
    data, summary = run
    minutes = rows(
        data,
        "SELECT availability_percent FROM sla WHERE service = 'Frontend' AND window_seconds = 60 ORDER BY window_start",
    )
    with (DATA / "nezha" / "front_service.csv").open(encoding="utf-8") as file:
        recorded = [float(row["SuccessRate(%)"]) for row in csv.DictReader(file)]
    stored = [minute["availability_percent"] for minute in minutes]
    assert stored[: len(recorded)] == pytest.approx(recorded)
    assert set(stored[len(recorded) :]) == {100.0}
    worst = summary["sla"]["Frontend"]["worst_minute"]
    assert worst["availability_percent"] == pytest.approx(49.586776859504134)


def test_alerts_fire_at_the_faults_and_resolve(run: tuple[Path, dict[str, Any]]) -> None:
    """Every minute under 95 % is within a firing SLABreach, and nothing fires any more at the end."""
    data, summary = run
    assert summary["alerts_fired"] == summary["alerts_resolved"] == len(summary["alerts"])
    breaches = [alert for alert in summary["alerts"] if alert["rule"] == "SLABreach"]
    minutes = rows(data, "SELECT window_start FROM sla WHERE window_seconds = 60 AND availability_percent < 95")
    assert len(minutes) == 6
    for minute in minutes:
        begin = datetime.fromisoformat(minute["window_start"])
        assert any(
            datetime.fromisoformat(breach["fired_at"]) < begin + timedelta(minutes=1)
            and datetime.fromisoformat(breach["resolved_at"]) > begin + timedelta(seconds=19)
            for breach in breaches
        )
    fired = {alert["rule"] for alert in summary["alerts"]}
    assert fired >= {"SLABreach", "ServiceDown", "AuthFailureBurst", "ComplianceViolation", "HighLatency"}


def test_ctrl_c_ends_it_with_a_summary_that_adds_up(tmp_path: Path) -> None:
    """What was sent until then is stored first."""
    running = tidewatch("demo", "--json", "--data", str(tmp_path / "run"))
    assert running.stderr is not None
    assert any("published" in line for line in running.stderr)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    summary = json.loads(out)
    assert 0 < summary["published"] < 28_000
    assert summary["raw_rows"] + summary["dead_letters"] == summary["published"]
