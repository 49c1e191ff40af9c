"""How a command asks a running worker: over its Prometheus HTTP API."""

import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode

from schemas.config import Http
from schemas.failures import Rejected, Unavailable
from streams.api.parameters import TENANT_HEADER

_SECONDS = 60


def answer_of(http: Http, path: str, parameters: Mapping[str, str], tenant: str) -> dict[str, Any]:
    """The whole answer to a query. Raises Rejected for what the worker refuses, Unavailable when none answers."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(http.host, http.host)  # noqa: S104 - an address to ask, not to serve
    connection = HTTPConnection(host, http.port, timeout=_SECONDS)
    headers = {"Content-Type": "application/x-www-form-urlencoded", TENANT_HEADER: tenant}
    try:
        connection.request("POST", f"/api/v1{path}", urlencode(parameters), headers)
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
    except (OSError, HTTPException, ValueError):
        raise Unavailable(
            f"no worker answers on {host}:{http.port}: start one with `tidewatch worker`, or correct http.host and "
            "http.port"
        ) from None
    finally:
        connection.close()
    if answer.get("status") != "success":
        kind = Unavailable if answer.get("errorType") in ("unavailable", "timeout") else Rejected
        raise kind(str(answer.get("error", "the worker's answer cannot be understood")))
    return answer
