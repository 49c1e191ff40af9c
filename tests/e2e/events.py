"""Records as a service would publish them: CloudEvents in structured mode. Times are Unix seconds."""

import json
from datetime import UTC, datetime
from itertools import count
from typing import Any

_numbers = count()


def metric(at: float, name: str, value: float, kind: str = "gauge", service: str = "shop", **labels: str) -> bytes:
    """A metric event."""
    return event("metric", at, service=service, name=name, kind=kind, value=value, labels=labels)


def heartbeat(at: float, service: str = "shop", status: str = "up") -> bytes:
    """A health event."""
    return event("health", at, service=service, status=status)


def event(type_: str, at: float, **data: Any) -> bytes:
    """An event of any type."""
    time = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    envelope = {"specversion": "1.0", "type": f"tidewatch.{type_}", "id": f"e{next(_numbers)}", "source": "/e2e"}
    return json.dumps({**envelope, "time": time, "data": data}).encode()
