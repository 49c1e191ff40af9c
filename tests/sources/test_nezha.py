"""Nezha's minutes become requests, latencies and gauges that say what the file says."""

import csv
from collections.abc import Iterator
from itertools import groupby, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import HealthEvent, MetricEvent
from schemas.failures import Rejected
from sources import Options, nezha

FOLDER = Path(__file__).parents[2] / "demo" / "data" / "nezha"
FRONT = FOLDER / "front_service.csv"
POD = FOLDER / "frontend-579b9bff58-t2dbm_metric.csv"

FAULTY_MINUTES = {
    "04:03": (60, 121),
    "04:04": (87, 157),
    "04:05": (78, 145),
    "04:19": (67, 70),
    "05:02": (133, 142),
    "05:12": (18, 19),
}


def rows(file: Path) -> list[dict[str, str]]:
    with file.open() as lines:
        return list(csv.DictReader(lines))


def minutes() -> Iterator[tuple[dict[str, str], list[MetricEvent]]]:
    """Each row of the front service and its metric events."""
    events = nezha.events(FRONT.read_bytes().splitlines(keepends=True), Options())
    metrics = [event for event in events if isinstance(event, MetricEvent)]
    for row, (_, group) in zip(rows(FRONT), groupby(metrics, lambda event: event.time), strict=True):
        yield row, list(group)


def test_the_requests_of_every_minute_have_the_success_rate_of_the_file() -> None:
    """Good over total, as a percentage, to the last digits that the file has."""
    for row, events in minutes():
        good, bad = (event.data.value for event in events if event.data.name == "requests_total")
        assert good / (good + bad) * 100 == pytest.approx(float(row["SuccessRate(%)"]), abs=1e-12)
        assert {event.time.timestamp() for event in events} == {float(row["TimeStamp"])}


def test_the_fractions_are_the_smallest() -> None:
    """Known minutes, and 120 requests where nothing failed."""
    found = {row["Time"][11:16]: nezha.requests(float(row["SuccessRate(%)"])) for row in rows(FRONT)}
    assert {minute: found[minute] for minute in FAULTY_MINUTES} == FAULTY_MINUTES
    assert found["03:51"] == (120, 120)


@given(st.integers(2, 300), st.data())
def test_any_rate_of_whole_requests_is_found_again(total: int, data: st.DataObject) -> None:
    """A percentage written with all its digits gives its fraction back, in lowest terms."""
    good = data.draw(st.integers(0, total - 1))
    found_good, found_total = nezha.requests(good / total * 100)
    assert found_good * total == good * found_total
    assert found_total <= total


def test_the_latencies_have_the_percentiles_of_the_file() -> None:
    """The k-th of 100 samples is the k-th percentile (nearest rank)."""
    for row, events in minutes():
        samples = [event.data.value for event in events if event.data.name == "request_duration_seconds"]
        assert samples == sorted(samples)
        assert len(samples) == 100
        for percentile in (50, 90, 95, 99):
            assert samples[percentile - 1] == pytest.approx(float(row[f"LatencyP{percentile}(s)"]))


def test_a_heartbeat_every_ten_seconds() -> None:
    """No gap of 30 s, at which a service counts as down."""
    events = nezha.events(FRONT.read_bytes().splitlines(keepends=True), Options())
    beats = [event.time.timestamp() for event in events if isinstance(event, HealthEvent)]
    assert max(later - earlier for earlier, later in pairwise(beats)) <= 11


def test_a_pod_gives_cpu_and_memory() -> None:
    """Memory in bytes, and the total from which the file's percentage follows."""
    for row, event in zip(rows(POD), groups_of_three(), strict=True):
        assert event["cpu_usage_percent"] == float(row["CpuUsageRate(%)"])
        share = event["memory_usage_bytes"] / event["memory_total_bytes"] * 100
        assert share == pytest.approx(float(row["MemoryUsageRate(%)"]))


def groups_of_three() -> Iterator[dict[str, float]]:
    events = nezha.events(POD.read_bytes().splitlines(keepends=True), Options())
    for _, group in groupby(events, lambda event: event.time):
        metrics = [event.data for event in group if isinstance(event, MetricEvent)]
        assert {(data.service, data.labels["pod"]) for data in metrics} == {("frontend", "frontend-579b9bff58-t2dbm")}
        yield {data.name: data.value for data in metrics}


def test_a_broken_row_is_named_by_its_line() -> None:
    """A number that is none."""
    lines = FRONT.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b",100,", b",much,")
    with pytest.raises(Rejected, match=r"front\.csv, line 3: not a row"):
        list(nezha.events(lines, Options(name="front.csv")))
