"""Services that stop, that go up and down, and that depend on others: who is told what, by the rules that ship."""

import asyncio
import time
import urllib.request
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from streams import worker
from streams.config import load
from streams.stages.windows import WindowStage
from tests.deploy.test_alertmanager import with_webhooks_only
from tests.e2e.events import event, heartbeat
from tests.e2e.pipeline import pipeline
from tests.servers.alertmanager import Alertmanager


@pytest.mark.slow
def test_a_service_that_stops_is_told_within_31_seconds_though_nothing_else_happens(
    kafka: str, alertmanager: Alertmanager, tmp_path: Path
) -> None:
    """In real time, and a second for the clock of event time, the evaluation and the way to Alertmanager."""
    told = alertmanager.webhook
    with pipeline(tmp_path, kafka, f"[alertmanager]\nurls = ['{alertmanager.url}']\n") as running:
        running.start()
        last = time.time()
        running.send("metrics", heartbeat(last - 10, running.name), heartbeat(last, running.name))
        fired = told.wait_for("firing", 45, alertname="ServiceSilent", service=running.name)
        after = time.time() - last
        assert 30 < datetime.fromisoformat(fired["startsAt"]).timestamp() - last <= 31
        assert after < 36, "by the clock on the wall it takes as long, and what a machine with other work adds"
        print(f"told {after:.2f} s after the last heartbeat")
        running.stop()


@pytest.mark.slow
def test_a_service_that_goes_up_and_down_does_not_page_each_time(
    kafka: str, start_alertmanager: Callable[..., Alertmanager], tmp_path: Path
) -> None:
    """Ten outages of a minute each: two are told as such, then that it flaps; and when it ends."""
    server = start_alertmanager(config=with_webhooks_only())
    told, begin = server.webhook, int(time.time()) // 60 * 60 - 3600
    with pipeline(tmp_path, kafka, f"[alertmanager]\nurls = ['{server.url}']\n") as running:
        running.start()
        beats = [
            heartbeat(begin + second, "shop", "down" if second // 60 % 2 and second < 1200 else "up")
            for second in range(0, 2000, 10)
        ]
        running.send("metrics", *beats)  # at once: in a pause the clock would go on to the events of today
        running.finish(len(beats), begin + 2000)
        told.wait_for("resolved", alertname="ServiceFlapping")

        flapping = [row["state"] for row in running.history("ServiceFlapping")]
        assert flapping == ["firing", "resolved"]
        pages = [row for row in running.history("ServiceDown") if row["state"] == "firing"]
        assert len(pages) <= 2
        assert len(told.notified("firing", alertname="ServiceFlapping")) == 1
        assert len({alert["startsAt"] for alert in told.notified("firing", alertname="ServiceDown")}) <= 2
        running.stop()


@pytest.mark.slow
def test_the_alert_names_the_root_cause_and_consequences_are_inhibited(
    kafka: str, start_alertmanager: Callable[..., Alertmanager], tmp_path: Path
) -> None:
    """The database is down, the shop's check of it fails; Alertmanager inhibits the shop's alert and not the other."""
    server = start_alertmanager(config=with_webhooks_only())
    told, begin = server.webhook, int(time.time()) // 60 * 60 - 600
    settings = f"[alertmanager]\nurls = ['{server.url}']\n[health]\ndependencies = ['front -> shop/api']\n"
    with pipeline(tmp_path, kafka, settings) as running:
        running.start()
        for second in range(0, 60, 10):
            at = begin + second
            check = {"component": "api", "dependency": "postgres", "message": "connection refused"}
            running.send(
                "metrics",
                heartbeat(at, "postgres", "down"),
                event("health", at, service="shop", status="down", check_duration_ms=3.5, **check),
                heartbeat(at, "front", "down"),
            )
        told.wait_for("firing", alertname="ServiceDown", service="postgres")
        running.wait(lambda: len(running.history("ServiceDown")) == 6, "all three to fire")
        running.wait(lambda: len(server.alerts()) >= 5, "all to be told")

        causes = {row["labels"]["service"]: row["annotations"]["root_cause"] for row in running.history("ServiceDown")}
        assert causes == {"postgres": "", "shop": "postgres", "front": "postgres"}
        muted = {
            alert["labels"]["service"]
            for alert in server.alerts()
            if alert["labels"]["alertname"] == "ServiceDown" and alert["status"]["inhibitedBy"]
        }
        assert muted == {"shop", "front"}
        assert {alert["labels"]["service"] for alert in told.notified("firing", alertname="ServiceDown")} == {
            "postgres"
        }
        running.stop()


@pytest.mark.slow
def test_a_worker_tells_of_its_own_parts(
    kafka: str, start_alertmanager: Callable[..., Alertmanager], tmp_path: Path
) -> None:
    """As any service does; when its Alertmanager goes and comes back, that is in the log, the metric and the events."""
    server = start_alertmanager()
    settings = f"[alertmanager]\nurls = ['{server.url}']\n[health]\nown = 'published'\n"
    newest = "SELECT argMax(status, time) FROM raw_health WHERE service = 'tidewatch' AND component = '{}'"
    with pipeline(tmp_path, kafka, settings) as running:
        running.start()
        parts = ("kafka", "clickhouse", "alertmanager", "disk", "stages")
        for part in parts:
            running.wait(lambda part=part: running.value(newest.format(part)) in ("up", "degraded"), part)  # type: ignore[misc]
            assert running.metric("tidewatch_component_up", component=part) == 1
        server.stop()
        running.wait(lambda: running.value(newest.format("alertmanager")) == "down", "its end to be told", 45)
        server.start()
        running.wait(lambda: running.value(newest.format("alertmanager")) == "up", "its return to be told", 45)
        assert "alertmanager is down: " in running.log.read_text()
        assert "alertmanager is well again" in running.log.read_text()
        running.stop()


@pytest.mark.slow
async def test_a_stage_that_fails_starts_again_and_loses_nothing(
    kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process, on the same ClickHouse; it says so in a metric and in an event."""
    failing, whole = [RuntimeError("a bug")], WindowStage._resend

    async def resend(stage: WindowStage) -> None:
        if failing and stage.shards and any(shard.tenants for shard in stage.shards.values()):
            raise failing.pop()
        await whole(stage)

    monkeypatch.setattr(WindowStage, "_resend", resend)
    workers, stop = list[worker.Worker](), asyncio.Event()
    with pipeline(tmp_path, kafka, "[health]\nown = 'published'\n") as made:
        running = asyncio.create_task(worker.run(load(str(made.config)), stop, workers.append))
        async with asyncio.timeout(90):
            await until(lambda: len(workers) == 1 and workers[0].windows.shards != {})
            await asyncio.to_thread(made.send, "metrics", *(heartbeat(time.time(), "shop") for _ in range(100)))
            await until(lambda: len(workers) == 2)
            await asyncio.to_thread(made.send, "metrics", *(heartbeat(time.time(), "shop") for _ in range(100)))
            await until(lambda: stored(workers[-1], "service = 'shop'") == 200)
            await until(lambda: stored(workers[-1], "message = 'started again after RuntimeError: a bug'") >= 1)
        assert "tidewatch_restarts_total 1.0" in await asyncio.to_thread(page, workers[-1].http_port)
        stop.set()
        await running


async def until(condition: Callable[[], bool]) -> None:
    """Asked from this process, whose worker has to go on meanwhile."""
    while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - another thread answers
        await asyncio.sleep(0.1)


def stored(one: worker.Worker, where: str) -> int:
    [row] = one.clickhouse.query(
        f"SELECT count() AS rows, uniqExact(_partition, _offset) AS once FROM raw_health WHERE {where}"
    )
    assert row["rows"] == row["once"]
    return int(row["rows"])


def page(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())
