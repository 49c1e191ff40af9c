"""Alerts to every configured Alertmanager through its API v2, the way Prometheus sends them.

Delivery: each Alertmanager gets the newest state of every alert at least once, and takes a repetition for the same
alert. An alert that could not be delivered waits in a queue of that Alertmanager and goes with a later ``post``.
Back-pressure: none upstream. A queue holds one entry per label set, at most 10,000, and forgets what nobody has
repeated for as long as a firing alert is valid; what it gives up is counted in the outcome. ``post`` returns within
a second whatever the Alertmanagers do; one that is slow or away is left behind, the others are served at once.
"""

import asyncio
import random
import ssl
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec
import orjson

from schemas.alert import Alert, AlertReason
from schemas.config import Alertmanager
from schemas.failures import Rejected, Unavailable

BATCH = 64
"""Alerts in one request."""
QUEUE = 10_000
"""Alerts that wait for one Alertmanager (Prometheus' ``--alertmanager.notification-queue-capacity``)."""
_LONGEST_BACK_OFF_MS = 30_000
_WRONG_CONTENT = (400, 413, 422)  # the same cannot succeed later; any other failure may be repaired over there


ShownLabels = frozenset[tuple[str, str]]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What happened at one Alertmanager; the numbers are alerts."""

    url: str
    accepted: int = 0
    rejected: tuple[str, ...] = ()
    """One reason for each alert that this Alertmanager will never take."""
    waiting: int = 0
    dropped: int = 0
    """Given up: the queue was full, or nobody repeated the alert while the Alertmanager was away."""
    error: str = ""
    """Why a request failed; empty when none did."""


def payload(alert: Alert, now_ms: int, resend_delay_s: float, interval_s: float, external_url: str) -> dict[str, Any]:
    """A firing or resolved alert as the API takes it; times RFC 3339 with milliseconds, ``now_ms`` UTC epoch ms.

    A firing alert is valid for four times the longer of resend delay and evaluation interval, so that it outlives
    three lost repetitions (Prometheus, ``rules/alerting.go``); a resolved one ended when it changed. Neither starts in
    the future nor ends before it starts, which Alertmanager would refuse.
    """
    starts_ms = min(alert.fired_at_ms or alert.active_at_ms, now_ms)
    if alert.state == "resolved":
        ends_ms = max(starts_ms, min(alert.changed_at_ms, now_ms))
    else:
        ends_ms = now_ms + _validity_ms(resend_delay_s, interval_s)
    return {
        "labels": dict(shown_labels(alert.tenant, alert.labels)),
        "annotations": alert.annotations,
        "startsAt": _rfc3339(starts_ms),
        "endsAt": _rfc3339(ends_ms),
        "generatorURL": f"{external_url.rstrip('/')}/graph?g0.expr={quote(alert.expression, safe='')}&g0.tab=1"
        f"&tenant={quote(alert.tenant, safe='')}",
    }


def shown_labels(tenant: str, labels: Mapping[str, str]) -> ShownLabels:
    """The label set by which Alertmanager knows an alert.

    The label ``tenant`` keeps tenants apart, whose label sets may be equal otherwise. Labels with an empty value are
    dropped, as Alertmanager does.
    """
    return frozenset(({name: value for name, value in labels.items() if value} | {"tenant": tenant}).items())


def _validity_ms(resend_delay_s: float, interval_s: float) -> int:
    return round(4000 * max(resend_delay_s, interval_s))


def _rfc3339(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _Target:
    """One Alertmanager: its queue of alerts by identity, oldest first, its rest after failures, and what happened."""

    def __init__(self, url: str, validity_ms: int) -> None:
        self.url = url
        self.sending: asyncio.Task[None] | None = None
        self._validity_ms = validity_ms
        self._waiting: dict[Any, tuple[Alert, int]] = {}
        self._failures = 0
        self._resting_until_ms = 0
        self._happened = Outcome(url=url)

    def put(self, alerts: Iterable[Alert], now_ms: int) -> None:
        """Queue alerts, each in place of an older state of itself, and give up what is stale or too much."""
        known = len(self._waiting)
        queue = {key: entry for key, entry in self._waiting.items() if now_ms - entry[1] <= self._validity_ms}
        dropped = known - len(queue)
        for alert in alerts:
            queue[alert.tenant, alert.key] = (alert, now_ms)
        while len(queue) > QUEUE:
            del queue[next(iter(queue))]
            dropped += 1
        self._waiting = queue
        self._note(dropped=self._happened.dropped + dropped)

    def batch(self) -> list[Alert]:
        """The oldest alerts that wait, as many as one request takes."""
        return [alert for alert, _ in list(self._waiting.values())[:BATCH]]

    def accepted(self, alerts: Sequence[Alert]) -> None:
        """The Alertmanager has them."""
        self._done(alerts)
        self._failures = 0
        self._note(accepted=self._happened.accepted + len(alerts))

    def rejected(self, alert: Alert, reason: str) -> None:
        """The Alertmanager will never take it."""
        self._done([alert])
        self._note(rejected=(*self._happened.rejected, f"rule {alert.rule}: {reason}"))

    def failed(self, error: str, now_ms: int) -> None:
        """Rest 1 s, 2 s, 4 s ... up to 30 s, half of it by chance so that workers do not come back in step."""
        longest = min(1000 * 2**self._failures, _LONGEST_BACK_OFF_MS)
        self._resting_until_ms = now_ms + round(longest * random.uniform(0.5, 1))  # noqa: S311 - no secret
        self._failures = min(self._failures + 1, 10)
        self._note(error=error)

    def may_be_asked(self, now_ms: int) -> bool:
        """Whether it has something to do, and neither is at it nor rests."""
        busy = self.sending is not None and not self.sending.done()
        return bool(self._waiting) and not busy and now_ms >= self._resting_until_ms

    def outcome(self) -> Outcome:
        """What happened since this was last asked."""
        happened = msgspec.structs.replace(self._happened, waiting=len(self._waiting))
        self._happened = Outcome(url=self.url)
        return happened

    def _done(self, alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            key = (alert.tenant, alert.key)
            if key in self._waiting and self._waiting[key][0] is alert:  # it may have changed again meanwhile
                del self._waiting[key]

    def _note(self, **changes: Any) -> None:
        self._happened = msgspec.structs.replace(self._happened, **changes)


class AlertmanagerSink:
    """Posts alerts to all Alertmanagers of the configuration; Rejected when its files cannot be read.

    ``external_url`` is where links in notifications lead; ``interval_s`` is how often rules are evaluated;
    ``patience_s`` is the longest that :meth:`post` takes.
    """

    def __init__(
        self, config: Alertmanager, external_url: str, interval_s: float = 1.0, *, patience_s: float = 1.0
    ) -> None:
        self._config = config
        self._external_url = external_url
        self._interval_s = interval_s
        self._patience_s = patience_s
        self._tls = _tls(config)
        self._headers = {"Content-Type": "application/json"}
        if config.username:
            self._headers["Authorization"] = aiohttp.encode_basic_auth(config.username, _password(config))
        validity_ms = _validity_ms(config.resend_delay, interval_s)
        self._targets = [_Target(url.rstrip("/"), validity_ms) for url in config.urls]
        self._http: aiohttp.ClientSession | None = None

    async def post(self, alerts: Sequence[Alert], now_ms: int) -> list[Outcome]:
        """Send firing and resolved alerts, and what waited, to every Alertmanager at the same time.

        Never raises Unavailable: there is an outcome for each Alertmanager, of what happened since the last call.
        A request that takes longer than the sink's patience goes on alone, and a later call tells what came of it.
        """
        told = [alert for alert in alerts if alert.state in ("firing", "resolved")]
        started = []
        for target in self._targets:
            target.put(told, now_ms)
            if target.may_be_asked(now_ms):
                target.sending = asyncio.create_task(self._empty(target, now_ms))
                started.append(target.sending)
        if started:
            answered, _ = await asyncio.wait(started, timeout=self._patience_s)
            for task in answered:
                task.result()
        return [target.outcome() for target in self._targets]

    async def muted(self) -> dict[ShownLabels, AlertReason] | None:
        """The alerts that some Alertmanager silences or inhibits, and which of the two; None when none of them answers.

        Waits for the sink's patience at most: one that is slow is not heard.
        """
        answers = await asyncio.gather(*(self._muted(target.url) for target in self._targets))
        heard = [answer for answer in answers if answer is not None]
        return {labels: reason for answer in heard for labels, reason in answer.items()} if heard else None

    async def _muted(self, url: str) -> dict[ShownLabels, AlertReason] | None:
        try:
            async with asyncio.timeout(self._patience_s):
                alerts = await self.ask(url, "alerts", {"active": "false", "unprocessed": "false"})
        except (Unavailable, TimeoutError):
            return None
        return {
            frozenset(alert["labels"].items()): "silenced" if alert["status"].get("silencedBy") else "inhibited"
            for alert in alerts
            if alert["status"].get("silencedBy") or alert["status"].get("inhibitedBy")
        }

    async def ask(self, url: str, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        """What one Alertmanager answers to a GET below ``/api/v2/``. Raises Unavailable."""
        try:
            async with self._session().get(
                f"{url.rstrip('/')}/api/v2/{path}", params=parameters, headers=self._headers, allow_redirects=False
            ) as answer:
                answer.raise_for_status()
                return orjson.loads(await answer.read())
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as failure:
            raise Unavailable(f"{url} does not answer: {failure or type(failure).__name__}") from None

    async def close(self) -> None:
        """End requests and connections; what waits is forgotten."""
        sending = [target.sending for target in self._targets if target.sending]
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        if self._http:
            await self._http.close()
            self._http = None

    async def _empty(self, target: _Target, now_ms: int) -> None:
        try:
            while batch := target.batch():
                await self._send(target, batch, now_ms)
        except Unavailable as failure:
            target.failed(str(failure), now_ms)

    async def _send(self, target: _Target, batch: list[Alert], now_ms: int) -> None:
        """One request, or one for each alert when the Alertmanager finds a fault in the batch.

        Of a faulty batch it keeps the good alerts, or none when it could not read the body; alone, each is told apart.
        """
        try:
            await self._request(target, batch, now_ms)
        except Rejected as refusal:
            if len(batch) == 1:
                target.rejected(batch[0], str(refusal))
            else:
                for alert in batch:
                    await self._send(target, [alert], now_ms)
        else:
            target.accepted(batch)

    async def _request(self, target: _Target, batch: list[Alert], now_ms: int) -> None:
        config = self._config
        body = [payload(alert, now_ms, config.resend_delay, self._interval_s, self._external_url) for alert in batch]
        try:
            async with self._session().post(
                f"{target.url}/api/v2/alerts",
                data=orjson.dumps(body),
                headers=self._headers,
                allow_redirects=False,
            ) as answer:
                text = (await answer.content.read(500)).decode(errors="replace").strip()
        except (aiohttp.ClientError, TimeoutError, OSError) as failure:
            raise Unavailable(f"{target.url} cannot be reached: {failure or type(failure).__name__}") from None
        if answer.status in _WRONG_CONTENT:
            raise Rejected(f"Alertmanager answered {answer.status}: {text}")
        if answer.status >= 300:
            raise Unavailable(f"{target.url} answered {answer.status}: {text or answer.reason}")

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._tls),
                timeout=aiohttp.ClientTimeout(total=self._config.timeout),
            )
        return self._http


def _password(config: Alertmanager) -> str:
    if not config.password_file:
        return config.password
    try:
        return Path(config.password_file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise Rejected(f"alertmanager.password_file: {config.password_file} is not a readable text file") from None


def _tls(config: Alertmanager) -> ssl.SSLContext:
    """Certificates and host names are checked; an empty ``ca_file`` means the system's authorities."""
    try:
        return ssl.create_default_context(cafile=config.ca_file or None)
    except (OSError, ssl.SSLError):
        raise Rejected(f"alertmanager.ca_file: {config.ca_file} is not a readable PEM file of certificates") from None
