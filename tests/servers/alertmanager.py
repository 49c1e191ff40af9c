"""The real Alertmanager (Debian's package, or ``alertmanager`` on the path) and a webhook that keeps what arrives."""

import json
import shutil
import threading
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from tests.servers import NotInstalled
from tests.servers.ports import free_ports
from tests.servers.process import ServerProcess

_CONFIG = """\
route:
  receiver: webhook
  group_by: ["..."]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: webhook
    webhook_configs:
      - url: {webhook}
        send_resolved: true
"""


class Webhook:
    """A receiver of notifications: ``payloads`` is every body that was posted, in order."""

    def __init__(self) -> None:
        self.payloads: list[dict[str, Any]] = []
        self.arrived_at: list[float] = []
        """Unix seconds of each payload."""
        self._arrived = threading.Condition()
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                webhook._take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing: the test run's output is for the tests."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _take(self, payload: dict[str, Any]) -> None:
        with self._arrived:
            self.payloads.append(payload)
            self.arrived_at.append(time.time())
            self._arrived.notify_all()

    def wait_for(self, status: str, patience_s: float = 60.0, **labels: str) -> dict[str, Any]:
        """The first notified alert with this status (``firing`` or ``resolved``) and labels; AssertionError if none."""
        with self._arrived:
            self._arrived.wait_for(lambda: self.notified(status, **labels), patience_s)
            found = self.notified(status, **labels)
            assert found, f"no {status} notification for {labels} in {self.payloads}"
            return found[0]

    def notified(self, status: str, **labels: str) -> list[dict[str, Any]]:
        """Every notified alert with this status and labels, in order."""
        alerts = (alert for payload in self.payloads for alert in payload["alerts"])
        return [a for a in alerts if a["status"] == status and labels.items() <= a["labels"].items()]

    def forget(self) -> None:
        """As if nothing had arrived."""
        with self._arrived:
            self.payloads.clear()
            self.arrived_at.clear()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class Alertmanager:
    """One Alertmanager on a free port, not clustered, that notifies ``webhook`` of every alert alone and at once.

    ``config`` is another configuration, with ``{webhook}`` where the address of the webhook belongs.
    """

    def __init__(self, data_dir: Path, config: str = _CONFIG) -> None:
        program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
        if program is None:
            raise NotInstalled("These tests need a real Alertmanager: apt-get install prometheus-alertmanager")
        [port] = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self.log = data_dir / "alertmanager.log"
        self.webhook = Webhook()
        data_dir.mkdir(parents=True, exist_ok=True)
        file = data_dir / "alertmanager.yml"
        file.write_text(config.replace("{webhook}", self.webhook.url))
        command = [
            program,
            f"--config.file={file}",
            f"--storage.path={data_dir / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ]
        self._process = ServerProcess(command, self.log, self._ready)

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that are active, as its API tells them."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=5) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found

    def silence(self, **labels: str) -> None:
        """Silence the alerts with these labels for an hour."""
        now = datetime.now(UTC)
        silence = {
            "matchers": [{"name": name, "value": value, "isRegex": False} for name, value in labels.items()],
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(hours=1)).isoformat(),
            "createdBy": "ada",
            "comment": "known",
        }
        header = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/api/v2/silences", json.dumps(silence).encode(), header)
        urllib.request.urlopen(request, timeout=5).close()

    def wait_for_looks(self, count: int) -> None:
        """Wait until it has looked at its groups ``count`` more times and decided whom to notify."""
        enough = self._looks() + count
        while self._looks() < enough:
            time.sleep(0.05)

    def _looks(self) -> float:
        """Each look at a group asks the log of past notifications once."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("alertmanager_nflog_queries_total "))

    def start(self) -> None:
        """Start it and wait until it is ready. Alertmanager keeps no alerts over a restart."""
        self._process.start()

    def stop(self) -> None:
        """Stop it; the webhook goes on listening for the next start."""
        self._process.stop()

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1):
                return True
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.webhook.close()
