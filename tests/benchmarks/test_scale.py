"""The loads of ``make bench-scale`` are what they say."""

from collections import Counter

import pytest

from benchmarks.machine import Machine
from benchmarks.scale.load import SENTINEL, Load, records
from benchmarks.scale.results import Point, Scale, table
from schemas import cloudevents
from schemas.config import Limits
from schemas.events import MetricEvent


@pytest.mark.parametrize("load", [Load(events=600, series=100), Load(events=300, series=300, labels=32, padding=1_000)])
def test_a_load_has_the_series_labels_and_sizes_that_it_names(load: Load) -> None:
    series: Counter[tuple[str, ...]] = Counter()
    for _, record in records(load):
        event = cloudevents.decode(record, (), Limits())
        assert isinstance(event, MetricEvent)
        if not event.data.service.startswith(SENTINEL):
            assert len(event.data.labels) == load.labels
            assert len(record) > load.padding
            series[event.data.service, event.data.name, event.data.labels["pod"]] += 1

    assert len(series) == load.series
    assert sum(series.values()) == load.events


def test_every_partition_ends_with_a_sentinel() -> None:
    load = Load(events=50, series=10, partitions=4)
    last = dict(records(load))

    assert sorted(last) == [0, 1, 2, 3]
    assert all(SENTINEL.encode() in record for record in last.values())


def test_the_table_has_a_row_for_every_point_that_was_measured() -> None:
    point = Point(Load(events=1_000), 250.0, 2.0, 0.01, 50 * 2**20, 30)
    machine = Machine("a processor", 2, 8.0, "Linux", "3.11", {})
    scale = Scale("2026-01-01", machine, {"series": {"1,000": [point], "failed": []}})

    assert table(scale).splitlines()[-1] == "| series | 1,000 | 1,000 | 250 | 30 | 10.0 | 500 | 50 |"


def test_below_the_table_it_is_said_whether_catching_up_with_more_takes_more_memory() -> None:
    fewer, more = (Point(Load(events=n), 250.0, 2.0, 0.01, grown, 30) for n, grown in ((1_000, 200), (4_000, 206)))
    machine = Machine("a processor", 2, 8.0, "Linux", "3.11", {})

    said = table(Scale("2026-01-01", machine, {"events": {"1,000": [fewer], "4,000": [more]}})).splitlines()[-1]
    assert said == "To catch up with 4,000 events instead of 1,000 takes 1.03 times the memory."
    assert table(Scale("2026-01-01", machine, {"events": {"1,000": [fewer], "4,000": []}})).endswith("|")
