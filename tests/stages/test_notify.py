"""The stage that tells people, on a clock that the test moves, against a real Alertmanager."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from schemas.alert import Alert
from schemas.config import Alertmanager as Addresses
from schemas.config import Config
from schemas.failures import Unavailable
from sinks.alertmanager import AlertmanagerSink
from sinks.clickhouse import ClickHouse
from streams.batch import Partition
from streams.evidence.records import Act
from streams.evidence.records import decode as decode_evidence
from streams.stages.alertlog import encode
from streams.stages.notify import NotifyStage
from streams.stages.store import Store
from streams.telemetry.metrics import Metrics
from tests.alerts.climbing import acknowledged, ladders, resent, resolved
from tests.alerts.examples import alert
from tests.api.stored import database
from tests.servers.alertmanager import Alertmanager
from tests.stages.log import Log

LADDERS = """
ladders:
  - match: [severity = critical]
    steps: [{name: on-call, after: 0s}, {name: manager, after: 5m}, {name: vp, after: 15m}]
  - match: [severity = high]  # an alert beside it shows that the stage has looked at the clock
    steps: [{name: before-5, after: 299s}, {name: before-15, after: 899s}, {name: later, after: 2h}]
"""

INHIBITING = """
route: {receiver: webhook, group_by: ["..."], group_wait: 0s, group_interval: 1s}
receivers: [{name: webhook, webhook_configs: [{url: "{webhook}"}]}]
inhibit_rules: [{source_matchers: [alertname = Cause], target_matchers: [severity = critical]}]
"""

ALERTS = Partition("alerts", 0)


class Desk:
    """A running stage and what it knows of the time."""

    def __init__(self, server: Alertmanager, clickhouse: ClickHouse) -> None:
        self.server = server
        self.begin_ms = self.clock_ms = time.time_ns() // 1_000_000
        self.log = Log(ALERTS, lambda: self.clock_ms)
        self.firing: list[Alert] = []
        metrics = Metrics(CollectorRegistry())
        config = Config(alertmanager=Addresses(urls=[server.url]))
        self.sink = AlertmanagerSink(config.alertmanager, "http://tidewatch.example", patience_s=10.0)
        self.store = Store(clickhouse, metrics)
        self.stage = NotifyStage(
            *(config, ladders(LADDERS), self.sink, self.store, self.log, lambda: self.log, metrics),  # type: ignore[arg-type]
            now_ms=lambda: self.clock_ms,
            every_s=0.05,
        )
        self.log.offer = self.stage.offer

    async def put(self, record: Alert) -> None:
        key, value = encode(record)
        await self.log.send("alerts", value, key)

    async def fire(self, name: str, severity: str) -> Alert:
        firing = alert(name, labels={"severity": severity}, changed_at_ms=self.begin_ms)
        self.firing.append(firing)
        await self.put(firing)
        await self.told(name)
        while severity == "critical" and not self.steps(name):  # noqa: ASYNC110 - a database has no event to wait for
            await asyncio.sleep(0.02)
        return firing

    async def at(self, second: float) -> None:
        """The clock shows so many seconds since the beginning; firing alerts are stated again."""
        self.clock_ms = self.begin_ms + round(second * 1000)
        for each in self.firing:
            await self.put(resent(each))

    async def told(self, name: str, status: str = "firing", **labels: str) -> None:
        await asyncio.to_thread(self.server.webhook.wait_for, status, alertname=name, **labels)

    async def written(self) -> None:
        """The history of all that was told is stored, and acknowledged."""
        while self.log.committed_at.get(ALERTS, (0, ""))[0] < self.log.offsets[ALERTS.topic]:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.02)

    def steps(self, name: str) -> list[tuple[float, str]]:
        """The rows of the history that are no transitions: second, and step or reason."""
        rows = self.store.sink.query(
            "SELECT toUnixTimestamp64Milli(noted_at) AS at, if(step = '', reason, step) AS what "
            f"FROM alert_history FINAL WHERE rule = '{name}' AND at > 0 ORDER BY at"
        )
        return [((row["at"] - self.begin_ms) / 1000, row["what"]) for row in rows]


@pytest.fixture
async def desk(start_alertmanager: Callable[..., Alertmanager], tmp_path: Path) -> AsyncIterator[Desk]:
    clickhouse = database(tmp_path)
    opened = Desk(start_alertmanager(config=INHIBITING), clickhouse)
    running = asyncio.create_task(opened.stage.run())
    yield opened
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await opened.sink.close()
    opened.store.close()
    clickhouse.close()


@pytest.mark.alertmanager
async def test_each_step_is_told_when_its_time_has_come_and_not_before(desk: Desk) -> None:
    await desk.fire("Down", "critical")
    await desk.fire("Clock", "high")
    for second, step, before in ((300, "manager", "before-5"), (900, "vp", "before-15")):
        await desk.at(second - 1)
        await desk.told("Clock", escalation=before)
        assert not desk.server.webhook.notified("firing", alertname="Down", escalation=step)
        await desk.at(second)
        await desk.told("Down", escalation=step)
    await desk.written()
    assert desk.steps("Down") == [(0, "on-call"), (300, "manager"), (900, "vp")]
    assert desk.log.committed_at[ALERTS][1].startswith("s1,")


async def silence(desk: Desk, _: Alert) -> None:
    await asyncio.to_thread(desk.server.silence, alertname="Down")


async def inhibit(desk: Desk, _: Alert) -> None:
    await desk.fire("Cause", "none")


async def acknowledge(desk: Desk, down: Alert) -> None:
    await desk.put(acknowledged(down, desk.clock_ms))


async def resolve(desk: Desk, down: Alert) -> None:
    desk.firing.remove(down)
    await desk.put(resolved(down, down.changed_at_ms + 1))


@pytest.mark.alertmanager
@pytest.mark.parametrize(
    ("stop", "row"),
    [(silence, "silenced"), (inhibit, "inhibited"), (acknowledge, "acknowledged"), (resolve, None)],
)
async def test_whoever_has_it_in_hand_stops_the_ladder(desk: Desk, stop: Any, row: str | None) -> None:
    """A minute before the VP would be told; two hours pass without that."""
    down = await desk.fire("Down", "critical")
    await desk.fire("Clock", "high")
    await desk.at(299)
    await desk.told("Clock", escalation="before-5")
    await desk.at(300)
    await desk.told("Down", escalation="manager")

    await desk.at(840)
    await stop(desk, down)
    for second, step in ((899, "before-15"), (7200, "later")):
        await desk.at(second)
        await desk.told("Clock", escalation=step)

    await desk.written()
    told = [what for _, what in desk.steps("Down")]
    assert told == ["on-call", "manager", *([row] if row else [])]
    assert not desk.server.webhook.notified("firing", alertname="Down", escalation="vp")
    if stop is resolve:
        await desk.told("Down", "resolved", escalation="manager")


@pytest.mark.alertmanager
async def test_people_are_told_of_every_alert_while_clickhouse_is_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was told is in the history, and acknowledged, when ClickHouse is back."""
    insert, back = desk.store.sink.insert, asyncio.Event()

    def refused(*arguments: Any) -> None:
        if not back.is_set():
            raise Unavailable("away")
        insert(*arguments)

    monkeypatch.setattr(desk.store.sink, "insert", refused)
    names = ["One", "Two", "Three"]
    for name in names:
        await desk.put(alert(name, labels={"severity": "critical"}, changed_at_ms=desk.begin_ms))
        await desk.told(name)
    assert not desk.log.committed_at

    back.set()
    await desk.written()
    stored = desk.store.sink.query("SELECT rule FROM alert_history FINAL WHERE state = 'firing' AND step = ''")
    assert sorted(row["rule"] for row in stored) == sorted(names)


@pytest.mark.alertmanager
async def test_an_acknowledgement_becomes_evidence_that_names_its_record(desk: Desk) -> None:
    firing = await desk.fire("Down", "critical")
    await desk.put(acknowledged(firing, desk.clock_ms))
    while not (entered := [value for topic, value in desk.log.sent if topic == "evidence"]):  # noqa: ASYNC110 - the log of the test has no event to wait for
        await asyncio.sleep(0.02)

    [act] = map(decode_evidence, entered)
    assert isinstance(act, Act)
    assert (act.kind, act.tenant, act.details["labels"]["alertname"]) == ("acknowledged", firing.tenant, "Down")
    assert act.source is not None
    assert act.source[0] == ALERTS
