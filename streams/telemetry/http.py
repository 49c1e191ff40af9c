"""``/metrics``, ``/healthz`` and ``/readyz`` of a worker, over HTTP."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

import orjson
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from schemas.failures import Rejected

Check = tuple[str, bool, str]
"""What was looked at, whether it is well, and a sentence about it."""

Readiness = Callable[[], Iterable[Check]]


def application(registry: CollectorRegistry, readiness: Readiness) -> web.Application:
    """The three pages.

    ``/healthz`` is 200 while the event loop turns; ``/readyz`` is 200 when every check is well, else 503. Both say why
    in JSON: ``{"status": "ready" | "not ready", "checks": [{"name": ..., "ok": ..., "detail": ...}]}``.
    """

    async def metrics(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    async def healthz(_: web.Request) -> web.Response:
        return _json(200, {"status": "alive"})

    async def readyz(_: web.Request) -> web.Response:
        checks = _run(readiness)
        ready = all(ok for _, ok, _ in checks)
        listed = [{"name": name, "ok": ok, "detail": detail} for name, ok, detail in checks]
        return _json(200 if ready else 503, {"status": "ready" if ready else "not ready", "checks": listed})

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics), web.get("/healthz", healthz), web.get("/readyz", readyz)])
    return app


@asynccontextmanager
async def serving(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Answers while the block runs; yields the port, which differs from ``port`` when that is 0."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await _listen(runner, host, port)
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise Rejected(f"{host}:{port} cannot be listened on ({error.strerror}); configure another port") from None


def _run(readiness: Readiness) -> list[Check]:
    try:
        return list(readiness())
    except Exception as error:  # a check that cannot be made is a check that failed, not a page that failed
        return [("readiness", False, f"the check itself failed: {type(error).__name__}")]


def _json(status: int, content: object) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(content), content_type="application/json")
