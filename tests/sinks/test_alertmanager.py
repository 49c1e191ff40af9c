"""The Alertmanager sink against a server that answers what a test wants and keeps what it was sent."""

import asyncio
import itertools
import socket
import ssl
import subprocess
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from schemas.alert import Alert
from schemas.config import Alertmanager
from schemas.failures import Rejected, Unavailable
from sinks.alertmanager import BATCH, QUEUE, AlertmanagerSink, Outcome, payload
from tests.alerts.examples import NOW, alert

Answer = Callable[[list[dict[str, Any]]], int]


class Recorder:
    """Answers POST /api/v2/alerts with ``answer(alerts)`` as status; keeps each request's alerts and authorization.

    While ``open`` is cleared, it keeps its answers back.
    """

    def __init__(self, answer: Answer = lambda alerts: 200) -> None:
        self.answer = answer
        self.open = asyncio.Event()
        self.open.set()
        self.requests: list[list[dict[str, Any]]] = []
        self.authorizations: list[str | None] = []
        self.muted: list[dict[str, Any]] = []
        app = web.Application()
        app.router.add_post("/api/v2/alerts", self._take)
        app.router.add_get("/api/v2/alerts", self._tell_muted)
        app.router.add_post("/prefix/api/v2/alerts", self._take)
        self.server = TestServer(app)

    async def _take(self, request: web.Request) -> web.Response:
        alerts = await request.json()
        self.requests.append(alerts)
        self.authorizations.append(request.headers.get("Authorization"))
        await self.open.wait()
        return web.Response(status=self.answer(alerts), text="its own words")

    async def _tell_muted(self, request: web.Request) -> web.Response:
        assert request.query["active"] == "false"
        return web.json_response(self.muted)

    @property
    def url(self) -> str:
        return str(self.server.make_url("")).rstrip("/")

    @property
    def names(self) -> list[str]:
        return [each["labels"]["alertname"] for request in self.requests for each in request]


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    running = Recorder()
    await running.server.start_server()
    yield running
    await running.server.close()


async def post(sink: AlertmanagerSink, *alerts: Alert, now_ms: int = NOW) -> Outcome:
    """The outcome at the only, or first, Alertmanager."""
    return (await sink.post(alerts, now_ms))[0]


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
async def sink(recorder: Recorder) -> AsyncIterator[AlertmanagerSink]:
    made = _sink(urls=[recorder.url])
    yield made
    await made.close()


def _sink(patience_s: float = 10.0, **config: Any) -> AlertmanagerSink:
    return AlertmanagerSink(Alertmanager(**config), "http://tidewatch.example:8080", patience_s=patience_s)


class TestPayload:
    def test_a_firing_alert_is_valid_for_four_resend_delays(self) -> None:
        """The whole of it, as Alertmanager's OpenAPI description names the fields."""
        firing = alert(expression='up{a="b c"} == 0', labels={"empty": ""}, changed_at_ms=NOW - 5)

        assert payload(firing, NOW, 60, 1, "http://tidewatch.example:8080/") == {
            "labels": {"alertname": "HighLatency", "service": "front", "tenant": "default"},
            "annotations": {"summary": "slow"},
            "startsAt": "2025-06-15T15:05:39.995Z",
            "endsAt": "2025-06-15T15:10:40.000Z",
            "generatorURL": "http://tidewatch.example:8080/graph"
            "?g0.expr=up%7Ba%3D%22b%20c%22%7D%20%3D%3D%200&g0.tab=1&tenant=default",
        }

    def test_a_slow_evaluation_makes_a_firing_alert_valid_for_longer(self) -> None:
        assert payload(alert(), NOW, 60, 120, "")["endsAt"] == "2025-06-15T15:14:40.000Z"

    @pytest.mark.parametrize(
        ("active_at", "changed_at", "starts", "ends"),
        [
            pytest.param(-60, -10, "15:05:40", "15:06:30", id="it ended when it changed"),
            pytest.param(-60, +30, "15:05:40", "15:06:40", id="an end in the future is now, or it would still fire"),
            pytest.param(+10, +30, "15:06:40", "15:06:40", id="a start in the future is now"),
            pytest.param(-10, -60, "15:06:30", "15:06:30", id="it never ends before it starts"),
        ],
    )
    def test_a_resolved_alert_ends_in_the_past(self, active_at: int, changed_at: int, starts: str, ends: str) -> None:
        """Seconds around now, which is 15:06:40."""
        resolved = alert(state="resolved", active_at_ms=NOW + active_at * 1000, changed_at_ms=NOW + changed_at * 1000)

        made = payload(resolved, NOW, 60, 1, "")

        assert (made["startsAt"], made["endsAt"]) == (f"2025-06-15T{starts}.000Z", f"2025-06-15T{ends}.000Z")

    def test_tenants_stay_apart(self) -> None:
        """A label called tenant in the alert does not let one tenant speak for another."""
        assert payload(alert(tenant="blue", labels={"tenant": "green"}), NOW, 60, 1, "")["labels"]["tenant"] == "blue"


class TestAnswers:
    @pytest.mark.parametrize(
        ("status", "accepted", "rejected", "waiting"),
        [
            (200, 1, 0, 0),
            (301, 0, 0, 1),
            (400, 0, 1, 0),
            (401, 0, 0, 1),
            (403, 0, 0, 1),
            (404, 0, 0, 1),
            (413, 0, 1, 0),
            (422, 0, 1, 0),
            (429, 0, 0, 1),
            (500, 0, 0, 1),
            (502, 0, 0, 1),
            (503, 0, 0, 1),
        ],
    )
    async def test_every_status_means_taken_refused_or_later(
        self, recorder: Recorder, sink: AlertmanagerSink, status: int, accepted: int, rejected: int, waiting: int
    ) -> None:
        """A refusal of credentials is repaired over there: the alert must not be lost to it."""
        recorder.answer = lambda alerts: status

        outcome = await post(sink, alert())

        assert (outcome.accepted, len(outcome.rejected), outcome.waiting) == (accepted, rejected, waiting)
        assert bool(waiting) == (f"answered {status}: its own words" in outcome.error)

    async def test_a_bad_alert_costs_only_itself(self, recorder: Recorder, sink: AlertmanagerSink) -> None:
        """Each alert of a refused batch is sent alone, so that the good ones arrive and the bad one has its reason."""
        recorder.answer = lambda alerts: 400 if any(a["labels"]["alertname"] == "Bad" for a in alerts) else 200

        outcome = await post(sink, alert("Good"), alert("Bad"), alert("Fine"))

        assert outcome.accepted == 2
        assert outcome.rejected == ("rule Bad: Alertmanager answered 400: its own words",)
        assert recorder.names[3:] == ["Good", "Bad", "Fine"]

    async def test_requests_hold_at_most_a_batch(self, recorder: Recorder, sink: AlertmanagerSink) -> None:
        await post(sink, *(alert(f"Alert{number}") for number in range(2 * BATCH + 1)))

        assert [len(request) for request in recorder.requests] == [BATCH, BATCH, 1]

    @pytest.mark.parametrize("state", ["pending", "inactive"])
    async def test_what_does_not_fire_is_not_posted(
        self, recorder: Recorder, sink: AlertmanagerSink, state: str
    ) -> None:
        assert await post(sink, alert(state=state)) == Outcome(url=recorder.url)
        assert recorder.requests == []

    async def test_an_address_may_have_a_path_and_a_slash(self, recorder: Recorder) -> None:
        sink = _sink(urls=[recorder.url + "/prefix/"])

        assert (await post(sink, alert())).accepted == 1
        await sink.close()


class TestAway:
    async def test_what_waited_goes_with_a_later_post_in_its_newest_state(
        self, recorder: Recorder, sink: AlertmanagerSink
    ) -> None:
        recorder.answer = lambda alerts: 503
        await post(sink, alert("A"), alert("B"))
        recorder.requests.clear()
        recorder.answer = lambda alerts: 200

        outcome = await post(sink, alert("A", state="resolved", changed_at_ms=NOW + 1000), now_ms=NOW + 2000)

        assert (outcome.accepted, outcome.waiting) == (2, 0)
        ends = {each["labels"]["alertname"]: each["endsAt"] for each in recorder.requests[0]}
        assert ends == {"A": "2025-06-15T15:06:41.000Z", "B": "2025-06-15T15:10:42.000Z"}

    async def test_it_rests_longer_after_each_failure(self, recorder: Recorder, sink: AlertmanagerSink) -> None:
        """At least half of 1, 2, 4 ... seconds and never more than 30: asked every 100 ms for ten minutes."""
        recorder.answer = lambda alerts: 500
        asked = []
        for now_ms in range(NOW, NOW + 600_000, 100):
            before = len(recorder.requests)
            await post(sink, *([alert()] if now_ms % 60_000 == NOW % 60_000 else []), now_ms=now_ms)
            if len(recorder.requests) > before:
                asked.append(now_ms)

        pauses = [later - earlier for earlier, later in itertools.pairwise(asked)]
        assert all(500 <= pause <= 1100 for pause in pauses[:1])
        assert all(2000 <= pause <= 4100 for pause in pauses[2:3])
        assert all(15_000 <= pause <= 30_100 for pause in pauses[5:])
        assert len(pauses) > 20

    async def test_the_others_are_served(self, recorder: Recorder) -> None:
        """One Alertmanager refuses connections, the other gets the alert."""
        sink = _sink(urls=[f"http://127.0.0.1:{unused_port()}", recorder.url])

        away, here = await sink.post([alert()], NOW)

        assert (away.waiting, here.accepted) == (1, 1)
        assert "cannot be reached" in away.error
        await sink.close()

    async def test_a_silent_one_holds_up_nobody(self, recorder: Recorder, silent: str) -> None:
        """While one server owes its answer, the alerts of every post reach the other."""
        sink = _sink(patience_s=0.05, urls=[silent, recorder.url], timeout=30.0)
        for number in (1, 2, 3):
            waiting, served = await sink.post([alert(f"Alert{number}")], NOW + number)

            assert (waiting.waiting, served.accepted) == (number, 1)
        await sink.close()

    async def test_a_time_out_is_a_failure_like_any_other(self, silent: str) -> None:
        sink = _sink(urls=[silent], timeout=0.05)

        outcome = await post(sink, alert())

        assert (outcome.accepted, outcome.waiting) == (0, 1)
        assert "cannot be reached" in outcome.error
        await sink.close()

    async def test_what_a_slow_one_takes_later_is_told_later(self, recorder: Recorder) -> None:
        """An answer that comes after the sink's patience is counted in the next outcome, once."""
        sink = _sink(patience_s=0.0, urls=[recorder.url])
        accepted = [(await post(sink, alert())).accepted]
        while not any(accepted):
            await asyncio.sleep(0.01)
            accepted.append((await post(sink)).accepted)

        assert (accepted[0], (await post(sink)).accepted, recorder.names) == (0, 0, ["HighLatency"])
        await sink.close()

    async def test_what_changes_during_a_request_goes_with_the_next(self, recorder: Recorder) -> None:
        """The alert in flight is not asked for twice at once, and its newer state is not taken for delivered."""
        sink = _sink(patience_s=0.05, urls=[recorder.url])
        recorder.open.clear()
        await post(sink, alert("A"))
        await post(sink, alert("A", state="resolved"), alert("B"))
        recorder.open.set()
        while (await post(sink)).waiting:  # noqa: ASYNC110 - the sink has no event to wait for
            await asyncio.sleep(0.01)

        ends = [{each["labels"]["alertname"]: each["endsAt"][11:19] for each in sent} for sent in recorder.requests]
        assert ends == [{"A": "15:10:40"}, {"A": "15:06:40", "B": "15:10:40"}]
        await sink.close()

    async def test_an_answer_ends_the_long_rests(self, recorder: Recorder, sink: AlertmanagerSink) -> None:
        """After a success the next failure starts again with a rest of at most a second."""
        statuses = iter([500, 500, 500, 200, 500, 200])
        recorder.answer = lambda alerts: next(statuses)
        for minute in range(5):
            await post(sink, alert(), now_ms=NOW + minute * 60_000)

        assert (await post(sink, now_ms=NOW + 4 * 60_000 + 1000)).accepted == 1

    async def test_its_queue_is_bounded_and_counts_what_it_gives_up(self) -> None:
        sink = _sink(urls=[f"http://127.0.0.1:{unused_port()}"])

        outcome = await post(sink, *(alert(labels={"host": str(number)}) for number in range(QUEUE + 3)))

        assert (outcome.waiting, outcome.dropped) == (QUEUE, 3)
        await sink.close()

    async def test_it_forgets_what_nobody_repeats(self, recorder: Recorder, sink: AlertmanagerSink) -> None:
        """A worker that lost its partitions must not report their old alerts as firing an hour later."""
        recorder.answer = lambda alerts: 503
        await post(sink, alert("Gone"), alert("Kept"))
        await post(sink, alert("Kept"), now_ms=NOW + 200_000)
        recorder.requests.clear()

        outcome = await post(sink, now_ms=NOW + 240_001)

        assert (outcome.dropped, outcome.waiting) == (1, 1)
        assert recorder.names == ["Kept"]


class TestMuted:
    """Against real ones: tests/deploy/test_alertmanager.py, tests/stages/test_notify.py."""

    async def test_one_that_answers_is_enough(self, recorder: Recorder, silent: str) -> None:
        recorder.muted = [
            {"labels": {"alertname": "A"}, "status": {"state": "suppressed", "silencedBy": ["x"], "inhibitedBy": []}},
            {"labels": {"alertname": "B"}, "status": {"state": "suppressed", "silencedBy": [], "inhibitedBy": ["y"]}},
            {"labels": {"alertname": "C"}, "status": {"state": "active"}},
        ]
        away = f"http://127.0.0.1:{unused_port()}"
        one, none = _sink(urls=[away, recorder.url], patience_s=1.0), _sink(urls=[away, silent], patience_s=0.05)

        assert await one.muted() == {
            frozenset({("alertname", "A")}): "silenced",
            frozenset({("alertname", "B")}): "inhibited",
        }
        assert await none.muted() is None
        for each in (one, none):
            await each.close()

    async def test_whatever_is_not_json_is_no_answer(self, recorder: Recorder) -> None:
        sink = _sink(urls=[recorder.url])
        with pytest.raises(Unavailable, match="does not answer"):
            await sink.ask(recorder.url, "nothing-here")
        await sink.close()


class TestCredentials:
    async def test_basic_authentication_from_a_file(self, recorder: Recorder, tmp_path: Path) -> None:
        """The password is what the file says, without the line end that editors add."""
        (tmp_path / "password").write_text("sésame\n", encoding="utf-8")
        sink = _sink(urls=[recorder.url], username="tide", password_file=str(tmp_path / "password"))

        await post(sink, alert())

        assert recorder.authorizations == ["Basic " + b64encode("tide:sésame".encode()).decode()]
        await sink.close()

    async def test_no_message_tells_the_password(self, recorder: Recorder) -> None:
        recorder.answer = lambda alerts: 401
        sink = _sink(urls=[recorder.url], username="tide", password="sesame")

        assert "sesame" not in (await post(sink, alert())).error
        await sink.close()

    @pytest.mark.parametrize("setting", ["ca_file", "password_file"])
    def test_a_file_that_cannot_be_read_stops_the_start(self, setting: str) -> None:
        with pytest.raises(Rejected, match=rf"alertmanager\.{setting}: nowhere"):
            AlertmanagerSink(msgspec.structs.replace(Alertmanager(username="tide"), **{setting: "nowhere"}), "")

    async def test_tls_trusts_the_authority_of_the_configuration_only(self, certificate: Path) -> None:
        """The same server is refused by the system's authorities and accepted by its own."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        recorder = Recorder()
        await recorder.server.start_server(ssl=context)
        trusting, wary = _sink(urls=[recorder.url], ca_file=str(certificate)), _sink(urls=[recorder.url])

        assert (await post(trusting, alert())).accepted == 1
        assert (await post(wary, alert())).waiting == 1
        assert recorder.url.startswith("https://")
        for each in (trusting, wary):
            await each.close()
        await recorder.server.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate of 127.0.0.1 and its key, in one PEM file."""
    made = tmp_path / "server.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test"
    arguments = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(made), "-out", str(made)]
    subprocess.run([*command.split(), *arguments], check=True, capture_output=True)
    return made
