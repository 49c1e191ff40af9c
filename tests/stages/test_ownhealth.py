"""What a worker finds of its own parts."""

from pathlib import Path
from typing import NamedTuple

import pytest

from schemas.config import Alertmanager
from schemas.config import ClickHouse as Settings
from sinks.alertmanager import AlertmanagerSink
from sinks.clickhouse import ClickHouse
from streams.health.checks import Result
from streams.stages.ownhealth import alertmanagers_answer, clickhouse_answers, disk_has_room
from tests.servers.alertmanager import Alertmanager as Server
from tests.servers.ports import free_ports

GIB = 2**30


class Usage(NamedTuple):
    """As shutil has it."""

    total: int
    free: int


@pytest.mark.parametrize(("free", "status"), [(50, "up"), (11, "up"), (10, "degraded"), (3, "degraded"), (2, "down")])
def test_a_disk_is_told_before_it_is_full(free: int, status: str) -> None:
    found = disk_has_room(Path(), lambda _: Usage(100 * GIB, free * GIB))()
    assert found == Result(status, f"{100 - free}% in use, {free}.0 GiB free")  # type: ignore[arg-type]


def test_clickhouse_is_asked_a_question(tmp_path: Path) -> None:
    """And is down when it cannot answer."""
    sink = ClickHouse(Settings(url=f"chdb:{tmp_path}"))
    try:
        assert clickhouse_answers(sink)() == Result("up")
    finally:
        sink.close()


async def test_some_alertmanagers_are_enough_to_be_told(alertmanager: Server) -> None:
    """One of two that is away is a degradation; both are an outage."""
    [closed] = free_ports(1)
    away = f"http://127.0.0.1:{closed}"
    sink = AlertmanagerSink(Alertmanager(), "")
    found = [
        (await alertmanagers_answer(urls, sink)()).status  # type: ignore[misc]
        for urls in ([alertmanager.url], [alertmanager.url, away], [away])
    ]
    assert found == ["up", "degraded", "down"]
    await sink.close()
