"""The report of a day is written once by whoever owns the first partition, and again by nobody who knows of it."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas import cloudevents
from schemas.config import Config, Reports
from schemas.events import MetricEvent
from schemas.sla import Sla
from sinks.clickhouse import ClickHouse
from streams.batch import Partition
from streams.reports.digest import check
from streams.reports.document import Period
from streams.reports.schedule import due, file_name
from streams.slo.files import Objectives
from streams.stages.reporting import ReportStage
from tests.api.stored import T, database, insert
from tests.reports.test_status import level

DAY_MS = 86_400_000
AFTER = T - T % DAY_MS + DAY_MS + 3_600_000
"""One in the morning after the day of the data."""
DAY = datetime.fromtimestamp(T / 1000, UTC).strftime("%Y-%m-%d")


class Kafka:
    """Keeps what is sent, and gives partitions."""

    def __init__(self) -> None:
        self.sent: list[MetricEvent] = []
        self.owned = frozenset({Partition("panes", 0)})
        self.epoch = 1

    async def send(self, topic: str, value: bytes, key: bytes) -> "asyncio.Future[None]":
        event = cloudevents.decode(value)
        assert topic == "metrics"
        assert isinstance(event, MetricEvent)
        self.sent.append(event)
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        stored.set_result(None)
        return stored


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    made = database(tmp_path_factory.mktemp("reporting"))
    insert(made, "sla_windows", [level("shop", minute) for minute in range(30)])
    insert(made, "sla_windows", [{**level("shop", 0), "tenant": "../evil"}])
    yield made
    made.close()


def stage(sink: ClickHouse, kafka: Kafka, directory: Path, now_ms: int = AFTER) -> ReportStage:
    config = msgspec.structs.replace(Config(), reports=Reports(directory=str(directory), formats=["html", "json"]))

    def promised() -> Objectives:
        return Objectives([], [], [])

    return ReportStage(config, sink, promised, Sla(), kafka, lambda: kafka, lambda: now_ms, settle=0.0)  # type: ignore[arg-type,return-value]


def files(directory: Path) -> list[str]:
    return sorted(str(file.relative_to(directory)) for file in directory.rglob("*") if file.is_file())


async def test_each_tenants_day_is_written_and_announced_with_its_digest(sink: ClickHouse, tmp_path: Path) -> None:
    kafka = Kafka()
    writer = stage(sink, kafka, tmp_path)
    await writer.look()
    await writer.look()

    assert files(tmp_path) == sorted(
        f"{folder}/sla-{DAY}.{ending}" for folder in ("%2E%2E%2Fevil", "default") for ending in ("html", "json")
    )
    assert [(event.data.tenant, event.data.labels["period"]) for event in kafka.sent] == [
        ("../evil", DAY),
        ("default", DAY),
    ]
    page = check((tmp_path / "default" / f"sla-{DAY}.html").read_bytes())
    assert page.is_unaltered
    assert page.digest == kafka.sent[1].data.labels["digest"]


async def test_who_does_not_own_the_first_partition_writes_nothing(sink: ClickHouse, tmp_path: Path) -> None:
    kafka = Kafka()
    kafka.owned = frozenset({Partition("panes", 1)})
    await stage(sink, kafka, tmp_path).look()

    assert files(tmp_path) == []
    assert kafka.sent == []


async def test_a_day_is_not_over_before_it_is(sink: ClickHouse, tmp_path: Path) -> None:
    kafka = Kafka()
    await stage(sink, kafka, tmp_path, T - T % DAY_MS + DAY_MS + 60_000).look()

    assert kafka.sent == []


async def test_a_successor_that_finds_the_event_writes_nothing(sink: ClickHouse, tmp_path: Path) -> None:
    first, second = Kafka(), Kafka()
    await stage(sink, first, tmp_path / "first").look()
    insert(sink, "raw_metrics", [_stored(event) for event in first.sent])
    await stage(sink, second, tmp_path / "second").look()

    assert len(first.sent) == 2
    assert second.sent == []


def _stored(event: MetricEvent) -> dict[str, Any]:
    return {
        "time": int(event.time.timestamp() * 1000),
        "tenant": event.data.tenant,
        "service": event.data.service,
        "name": event.data.name,
        "kind": event.data.kind,
        "value": event.data.value,
        "labels": msgspec.json.encode(event.data.labels).decode(),
    }


def test_a_week_is_made_up_for() -> None:
    days = due("Europe/Berlin", 0, 1_793_500_000_000)

    assert [each.name for each in days] == [f"2026-10-{number}" for number in range(25, 32)]
    assert days[0].end_ms - days[0].start_ms == 25 * 3_600_000, "clocks were put back"


@pytest.mark.parametrize("tenant", ["..", ".", "/etc", "a/../../b", "\x00", "default"])
def test_whatever_a_tenant_is_called_its_files_stay_below_the_directory(tenant: str) -> None:
    name = file_name(tenant, "sla", Period(name="2026-10-05", start_ms=0, end_ms=1), "html")

    folder, file = name.split("/")
    assert folder not in ("", ".", "..")
    assert file == "sla-2026-10-05.html"
    assert "\x00" not in folder
