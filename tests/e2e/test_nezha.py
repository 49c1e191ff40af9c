"""The front service of Nezha replayed: availability as its file has it, an alert in every minute of a dip.

Budgets and pages are those of ``demo/objectives.yml``.
"""

import csv
import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from sources import nezha
from streams.slo.ledger import UNIT
from tests.e2e.data import SHIPPED, whole
from tests.e2e.pipeline import Pipeline, pipeline

FRONT, FAULTS = SHIPPED / "nezha" / "front_service.csv", SHIPPED / "nezha" / "faults.json"
FILES = [
    (FRONT, FAULTS),
    *zip(whole("nezha/ob-2022-08-22/metric/front_service.csv"), whole("nezha/2022-08-22-fault_list.json"), strict=True),
]
OBJECTIVES = Path(__file__).parents[2] / "demo" / "objectives.yml"
OBJECTIVE_PERCENT = 99.5
PROMISED_PERCENT = 95
EVENTS_A_MINUTE = 108
SHOWS_WITHIN_SECONDS = 192
"""No fault of the file takes longer before its first minute under the promise."""


def rates(file: Path) -> dict[int, float]:
    """Success rate, percent, by the start of the minute (Unix seconds)."""
    with file.open() as lines:
        rows = list(csv.DictReader(lines))
    return {int(row["TimeStamp"]) // 60 * 60: float(row["SuccessRate(%)"]) for row in rows}


def dips(expected: dict[int, float]) -> set[int]:
    """Minutes under the promise that follow one that kept it."""
    broken = {minute for minute, rate in expected.items() if rate < PROMISED_PERCENT}
    return {minute for minute in broken if minute - 60 not in broken}


def injected(file: Path) -> Iterator[int]:
    """When the faults were injected that make requests fail, and do not merely slow them down."""
    for hour in json.loads(file.read_text()).values():
        for fault in hour:
            if fault["inject_type"] in ("return", "exception"):
                yield int(fault["inject_timestamp"])


def first_dip(expected: dict[int, float], injected_at: int) -> int | None:
    """The first minute that a fault brought under the promise, when it shows in the file at all."""
    minutes = range(injected_at // 60 * 60, injected_at + SHOWS_WITHIN_SECONDS, 60)
    return next((minute for minute in minutes if expected.get(minute, 100) < PROMISED_PERCENT), None)


def availability(running: Pipeline) -> dict[int, float]:
    rows = running.query(
        "SELECT toUnixTimestamp(window_start) AS start, availability_percent FROM sla"
        " WHERE service = 'Frontend' AND window_seconds = 60 ORDER BY start"
    )
    return {row["start"]: row["availability_percent"] for row in rows}


def requests(expected: dict[int, float]) -> dict[int, tuple[int, int]]:
    """Good and all requests of each minute, by hand."""
    return {start: nezha.requests(rate) for start, rate in expected.items()}


def availability_by_hand(expected: dict[int, float]) -> float:
    """The share of all requests that succeeded."""
    counts = requests(expected).values()
    return float(Fraction(sum(good for good, _ in counts), sum(total for _, total in counts)))


def counted(running: Pipeline) -> dict[int, tuple[int, int]]:
    """(bad, total) of each minute, as the objective of the day counted them."""
    rows = running.query(
        "SELECT toUnixTimestamp(minute) AS start, bad, total FROM objective_minutes FINAL"
        " WHERE objective = 'frontend-day' ORDER BY start"
    )
    return {row["start"]: (row["bad"] // UNIT, row["total"] // UNIT) for row in rows}


def achieved(running: Pipeline, at: int) -> float:
    """Of the day, as it was counted at that time."""
    rows = running.query(
        f"SELECT achieved FROM objective_budgets FINAL WHERE objective = 'frontend-day' AND toUnixTimestamp(at) = {at}"
    )
    return float(rows[0]["achieved"])


def paged(running: Pipeline) -> set[int]:
    """The minutes at whose end a page fired or went on firing; a page comes and goes at the end of a minute."""
    history = running.history("BadMinute")
    assert [row["state"] for row in history] == ["firing", "resolved"] * (len(history) // 2)
    changed = [int(row["changed"]) for row in history]
    return {end - 60 for began, over in zip(changed[::2], changed[1::2], strict=True) for end in range(began, over, 60)}


def reported(running: Pipeline) -> dict[str, dict[str, Any]]:
    """The objectives of the day in the report on service levels, by name and column."""
    report = json.loads(running.tidewatch("report", "sla", "--period", "2022-08-22", "--format", "json").stdout)
    table = report["report"]["sections"][0]["tables"][0]
    names = [column["name"] for column in table["columns"]]
    rows = [dict(zip(names, row["cells"], strict=True)) for row in table["rows"]]
    return {row["objective"]: row for row in rows}


def firing_since(running: Pipeline) -> list[int]:
    """The minutes in which SLABreach began to fire."""
    return [int(row["active"]) // 60 * 60 for row in running.history("SLABreach") if row["state"] == "firing"]


@pytest.mark.slow
@pytest.mark.parametrize("file, faults", FILES, ids=["shipped", "whole"][: len(FILES)])
def test_every_minute_and_every_fault_of_the_file(kafka: str, tmp_path: Path, file: Path, faults: Path) -> None:
    """At full speed, with the times of the file."""
    expected = rates(file)
    with pipeline(tmp_path, kafka, f"[slo]\nfiles = ['{OBJECTIVES}']\n") as running:
        running.start()
        published = running.replay(str(file))["published"]
        assert published == len(expected) * EVENTS_A_MINUTE
        running.finish(published, max(expected) + 185, 600)

        running.wait(lambda: len(availability(running)) == len(expected), "a window for every minute")
        assert availability(running) == pytest.approx(expected, rel=1e-9)
        began = firing_since(running)
        assert len(began) == len(set(began))
        assert set(began) == dips(expected)
        shown = [dip for at in injected(faults) if (dip := first_dip(expected, at)) is not None]
        assert len(shown) >= 4
        assert set(shown) <= set(began)
        assert [row["state"] for row in running.history("SLABreach")] == ["firing", "resolved"] * len(began)
        assert counted(running) == {at: (total - good, total) for at, (good, total) in requests(expected).items()}
        assert achieved(running, max(expected) + 60) == availability_by_hand(expected)
        bad = {minute for minute, rate in expected.items() if rate < OBJECTIVE_PERCENT}
        assert paged(running) == bad
        day = reported(running)
        assert day["frontend-day"]["achieved"] == pytest.approx(100 * availability_by_hand(expected), rel=1e-12)
        assert day["frontend-day"]["downtime"] == day["frontend-minutes"]["downtime"] == len(bad)
        running.stop()


@pytest.mark.slow
def test_a_worker_that_is_killed_counts_the_same_minutes_and_pages_the_same(kafka: str, tmp_path: Path) -> None:
    """The first forty minutes, with two dips; killed while it counts."""
    expected = dict(sorted(rates(FRONT).items())[:40])
    with pipeline(tmp_path, kafka, f"[slo]\nfiles = ['{OBJECTIVES}']\n") as running:
        running.start()
        running.replay("--limit", str(len(expected) * EVENTS_A_MINUTE), str(FRONT))
        running.wait(lambda: len(counted(running)) > 0, "the first minutes")
        running.kill()
        running.start()
        running.finish(len(expected) * EVENTS_A_MINUTE, max(expected) + 185, 300)

        assert counted(running) == {at: (total - good, total) for at, (good, total) in requests(expected).items()}
        assert achieved(running, max(expected) + 60) == availability_by_hand(expected)
        bad = {minute for minute, rate in expected.items() if rate < OBJECTIVE_PERCENT}
        assert (len(bad), paged(running)) == (6, bad)
        running.stop()


@pytest.mark.slow
def test_shifted_to_now_the_same_minutes_come_out_at_another_time(kafka: str, tmp_path: Path) -> None:
    """The first sixteen minutes, the last of which has just gone by."""
    minutes = 16
    with pipeline(tmp_path, kafka) as running:
        running.start()
        limit = str(minutes * EVENTS_A_MINUTE)
        summary = running.replay("--shift-to-now", "--limit", limit, str(FRONT))
        shift = int(summary["shifted_seconds"])
        expected = dict(sorted((start + shift, rate) for start, rate in rates(FRONT).items())[:minutes])
        running.finish(minutes * EVENTS_A_MINUTE, max(expected) + 125)

        assert shift % 60 == 0
        running.wait(lambda: len(availability(running)) == minutes, "a window for every minute")
        assert availability(running) == pytest.approx(expected, rel=1e-9)
        assert set(firing_since(running)) == dips(expected)
        assert len(dips(expected)) == 1
        running.stop()
