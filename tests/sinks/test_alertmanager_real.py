"""The sink and the resend rules against the real Alertmanager: what reaches people is what its webhook is told."""

import time
from collections.abc import AsyncIterator, Callable

import pytest

from schemas.alert import Alert
from schemas.config import Alertmanager as Settings
from sinks.alertmanager import AlertmanagerSink
from streams.alerts.notifications import Notifications
from tests.alerts.examples import alert
from tests.servers.alertmanager import Alertmanager

Start = Callable[[], Alertmanager]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def current(name: str, **fields: object) -> Alert:
    """An alert that changed now: the real Alertmanager has the real time."""
    return alert(name, changed_at_ms=now_ms(), **fields)


class Sinks:
    """Opens sinks and closes them after the test."""

    def __init__(self) -> None:
        self.opened: list[AlertmanagerSink] = []

    def __call__(self, *servers: Alertmanager) -> AlertmanagerSink:
        config = Settings(urls=[server.url for server in servers])
        self.opened.append(AlertmanagerSink(config, "http://tidewatch.example"))
        return self.opened[-1]


@pytest.fixture
async def sink_to() -> AsyncIterator[Sinks]:
    sinks = Sinks()
    yield sinks
    for sink in sinks.opened:
        await sink.close()


async def test_an_alert_is_notified_with_its_labels_annotations_and_link(
    alertmanager: Alertmanager, sink_to: Sinks
) -> None:
    odd = 'spaces, "quotes", new\nlines and ünïcode'

    await sink_to(alertmanager).post([current("Told", labels={"path": odd}, annotations={"summary": odd})], now_ms())

    fired = alertmanager.webhook.wait_for("firing", alertname="Told")
    assert fired["labels"] == {"alertname": "Told", "service": "front", "path": odd, "tenant": "default"}
    assert fired["annotations"] == {"summary": odd}
    assert fired["generatorURL"].startswith("http://tidewatch.example/graph?g0.expr=")


async def test_an_alert_that_is_repeated_is_notified_once(start_alertmanager: Start, sink_to: Sinks) -> None:
    """Alertmanager looks at the alert again after the repetitions, and sees the one it has told people about."""
    server = start_alertmanager()
    sink, notifications = sink_to(server), Notifications(resend_delay_ms=1)
    notifications.apply(current("Repeated"), now_ms())
    await sink.post(notifications.due(now_ms()), now_ms())
    server.webhook.wait_for("firing", alertname="Repeated")

    for later in (60_000, 120_000):
        await sink.post(notifications.due(now_ms() + later), now_ms())
    server.wait_for_looks(2)

    assert len(server.webhook.notified("firing", alertname="Repeated")) == 1


async def test_a_resolved_alert_is_notified_as_resolved(alertmanager: Alertmanager, sink_to: Sinks) -> None:
    sink, notifications = sink_to(alertmanager), Notifications()
    for state in ("firing", "resolved"):
        notifications.apply(current("Passing", state=state), now_ms())
        await sink.post(notifications.due(now_ms()), now_ms())
        alertmanager.webhook.wait_for(state, alertname="Passing")

    assert not [each for each in alertmanager.alerts() if each["labels"]["alertname"] == "Passing"]


async def test_a_bad_alert_does_not_take_good_ones_along(alertmanager: Alertmanager, sink_to: Sinks) -> None:
    """Alertmanager refuses a label name that is not one; its neighbours in the request go through."""
    batch = [current("Before"), current("Bad", labels={"not a name": "x"}), current("After")]

    [outcome] = await sink_to(alertmanager).post(batch, now_ms())

    assert (outcome.accepted, outcome.waiting, len(outcome.rejected)) == (2, 0, 1)
    assert "rule Bad" in outcome.rejected[0]
    for name in ("Before", "After"):
        alertmanager.webhook.wait_for("firing", alertname=name)


async def test_each_of_two_alertmanagers_gets_every_alert(
    alertmanager: Alertmanager, start_alertmanager: Start, sink_to: Sinks
) -> None:
    second = start_alertmanager()

    await sink_to(alertmanager, second).post([current("Both")], now_ms())

    for server in (alertmanager, second):
        server.webhook.wait_for("firing", alertname="Both")


async def test_an_alertmanager_that_was_away_learns_what_it_missed(
    alertmanager: Alertmanager, start_alertmanager: Start, sink_to: Sinks
) -> None:
    """The other one is told at once; this one when it is back and its rest is over."""
    away = start_alertmanager()
    away.stop()
    sink = sink_to(away, alertmanager)
    missed, told = await sink.post([current("Missed")], now_ms())
    alertmanager.webhook.wait_for("firing", alertname="Missed")

    away.start()
    [caught_up, _] = await sink.post([], now_ms() + 2000)

    assert (missed.waiting, told.accepted, caught_up.accepted) == (1, 1, 1)
    away.webhook.wait_for("firing", alertname="Missed")
