"""The demo's inbox takes what the sink sends to an Alertmanager, and never passes for one."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from embedded.inbox import Inbox
from schemas.config import Alertmanager
from sinks.alertmanager import AlertmanagerSink
from tests.alerts.examples import alert


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with Inbox() as running:
        yield running


def get(inbox: Inbox, path: str) -> str:
    with urllib.request.urlopen(inbox.url + path, timeout=5) as answer:
        text: str = answer.read().decode()
    return text


def post(inbox: Inbox, body: bytes, path: str = "/api/v2/alerts") -> int:
    request = urllib.request.Request(inbox.url + path, data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            status: int = answer.status
    except urllib.error.HTTPError as refusal:
        return refusal.code
    return status


async def test_an_alert_of_the_sink_fires_and_resolves_in_it(inbox: Inbox) -> None:
    """The same client, the same requests: only the address differs from a real Alertmanager."""
    sink = AlertmanagerSink(Alertmanager(urls=[inbox.url]), "http://tidewatch.example")
    now = time.time_ns() // 1_000_000

    await sink.post([alert("Slow", changed_at_ms=now), alert("Down", changed_at_ms=now)], now)
    await sink.post([alert("Slow", state="resolved", changed_at_ms=now)], now)
    await sink.close()

    states = {each["labels"]["alertname"]: each["status"]["state"] for each in inbox.alerts()}
    assert states == {"Slow": "resolved", "Down": "active"}
    assert [each["labels"]["alertname"] for each in json.loads(get(inbox, "/api/v2/alerts?active=true"))] == ["Down"]


def test_it_is_ready_and_says_what_it_is_not(inbox: Inbox) -> None:
    assert get(inbox, "/-/ready") == "OK"
    assert "not an Alertmanager" in get(inbox, "/api/v2/status")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ([{"labels": {"alertname": "A"}}], 200),
        ([{"labels": {"alertname": ""}}], 400),
        ([{"labels": {"alertname": 1}}], 400),
        ([{}], 400),
        ({"labels": {"alertname": "A"}}, 400),
        ([{"labels": {"alertname": "A"}, "endsAt": "soon"}], 400),
    ],
)
def test_it_refuses_what_an_alertmanager_refuses(inbox: Inbox, body: Any, status: int) -> None:
    assert post(inbox, json.dumps(body).encode()) == status
    assert len(inbox.alerts()) == (status == 200)


@pytest.mark.parametrize("body", [b"", b"[", b'[{"labels": {"a": "\xff"}}]', b'[{"x": ' + b"[" * 100_000])
def test_bytes_that_are_no_alerts_are_refused(inbox: Inbox, body: bytes) -> None:
    assert post(inbox, body) == 400


def test_an_unknown_page_is_not_there(inbox: Inbox) -> None:
    assert post(inbox, b"[]", "/api/v1/alerts") == 404


@pytest.mark.parametrize("path", ["/api/v2/alerts", "/api/v2/status"])
def test_an_alertmanager_understands_the_same_pages(alertmanager: Any, inbox: Inbox, path: str) -> None:
    """What is asked of the inbox can be asked of the real one: the JSON has the same outer type."""
    with urllib.request.urlopen(alertmanager.url + path, timeout=5) as answer:
        assert type(json.load(answer)) is type(json.loads(get(inbox, path)))
