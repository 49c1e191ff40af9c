"""A place for alerts where no Alertmanager is installed: it takes the same requests and keeps what it was told.

It groups, silences and notifies nothing, and its status says so. The demo uses it so that alerts have somewhere to go.
"""

import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import msgspec

NOT_AN_ALERTMANAGER = "The inbox of the Tidewatch demo, not an Alertmanager: it keeps alerts and notifies nobody."
_KEPT = 10_000  # alerts; what was told longest ago leaves first
_BODY_BYTES = 4_194_304
_RESOLVE_TIMEOUT = timedelta(minutes=5)  # Alertmanager's default for an alert that names no end
_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"

Identity = tuple[tuple[str, str], ...]


class Received(msgspec.Struct, rename="camel"):
    """One alert of a POST, as Alertmanager's API v2 describes it."""

    labels: dict[str, str]
    annotations: dict[str, str] = {}
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    generator_url: str = msgspec.field(default="", name="generatorURL")

    def state(self, now: datetime) -> str:
        """``active`` or ``resolved``."""
        return "resolved" if self.ends_at and self.ends_at <= now else "active"


class Inbox:
    """``with Inbox() as inbox:`` answers at ``inbox.url`` what a sender of alerts asks of an Alertmanager.

    POST and GET ``/api/v2/alerts``, GET ``/api/v2/status``, ``/-/ready`` and ``/-/healthy``. Port 0 picks a free one.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._alerts: dict[Identity, Received] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer((host, port), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://{host}:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="inbox", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, body: bytes) -> None:
        """Keep the alerts of a POST, each in place of an older state of itself. ValueError says what is wrong."""
        now = datetime.now(UTC)
        received = msgspec.json.decode(body, type=list[Received])
        for alert in received:
            alert.labels = {name: value for name, value in alert.labels.items() if value}
            if not alert.labels:
                raise ValueError("at least one label pair required")
            alert.starts_at = alert.starts_at or now
            alert.ends_at = alert.ends_at or now + _RESOLVE_TIMEOUT
        with self._lock:
            for alert in received:
                identity = tuple(sorted(alert.labels.items()))
                self._alerts.pop(identity, None)
                self._alerts[identity] = alert
            while len(self._alerts) > _KEPT:
                del self._alerts[next(iter(self._alerts))]

    def alerts(self) -> list[dict[str, Any]]:
        """Every alert kept, as Alertmanager would list it, but with the resolved ones too (``status.state``)."""
        now = datetime.now(UTC)
        with self._lock:
            kept = list(self._alerts.values())
        return [msgspec.to_builtins(alert) | {"status": {"state": alert.state(now)}} for alert in kept]


def _handler(inbox: Inbox) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path in ("/-/ready", "/-/healthy"):
                self._answer(200, b"OK", _TEXT)
            elif self.path == "/api/v2/status":
                self._answer(200, msgspec.json.encode({"versionInfo": {"version": NOT_AN_ALERTMANAGER}}), _JSON)
            elif self.path.partition("?")[0] == "/api/v2/alerts":
                active = [alert for alert in inbox.alerts() if alert["status"]["state"] == "active"]
                self._answer(200, msgspec.json.encode(active), _JSON)
            else:
                self._answer(404, NOT_AN_ALERTMANAGER.encode(), _TEXT)

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if self.path != "/api/v2/alerts":
                self._answer(404, NOT_AN_ALERTMANAGER.encode(), _TEXT)
            elif length > _BODY_BYTES:
                self._answer(413, f"more than {_BODY_BYTES} bytes".encode(), _TEXT)
            else:
                try:
                    inbox.take(self.rfile.read(length))
                    self._answer(200, b"", _JSON)
                except (ValueError, RecursionError) as problem:  # msgspec's own errors are ValueErrors
                    self._answer(400, msgspec.json.encode(str(problem)), _JSON)

        def _answer(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: the terminal belongs to the demo."""

    return Handler
