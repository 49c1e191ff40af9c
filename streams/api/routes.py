"""The addresses below ``/api/v1``, and how failures are told there."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import orjson
from aiohttp import web

from embedded.refused import Refused
from schemas.config import Config
from schemas.failures import Rejected, Unavailable
from sinks.clickhouse import ClickHouse
from streams.api import answers, graph, rules
from streams.api.parameters import TENANT_HEADER, BadRequest, Parameters
from streams.api.queries import Queries, Timeout, asking, resolution
from streams.rules.compiled import CompiledGroup
from streams.windows.shard import Shard
from streams.windows.tenant import Tenant

log = logging.getLogger(__name__)

COMPATIBLE = "2.42.0"
"""The version of Prometheus whose API this is: clients choose by it what they ask for."""

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_STATUS = {"bad_data": 400, "execution": 422, "timeout": 503, "unavailable": 503, "not_found": 404, "internal": 500}

Answer = tuple[Any, Any]
"""Data, and further members of the answer."""

TenantOf = Callable[[str], Tenant | None]
"""By name, when it lives in this worker."""


def mount(
    app: web.Application,
    config: Config,
    sink: ClickHouse,
    groups: Sequence[CompiledGroup],
    shards: Callable[[], Iterable[Shard]],
) -> web.Application:
    """Add the API to an application; gives it back. ``shards``: those that live in this worker now."""

    def tenant_of(name: str) -> Tenant | None:
        return next((shard.tenants[name] for shard in shards() if name in shard.tenants), None)

    def recorded(name: str) -> list[Any]:
        tenant = tenant_of(name)
        return list(tenant.engine.recorded) if tenant else []

    queries = Queries(asking(sink), resolution(config.windows), recorded)
    api = Api(queries, groups, tenant_of, int(config.rules.evaluation_interval * 1000))

    async def close(_: web.Application) -> None:
        await asyncio.to_thread(queries.close)

    app.on_cleanup.append(close)
    for path, handler in api.routes().items():
        app.router.add_get(f"/api/v1{path}", _answering(handler))
        app.router.add_post(f"/api/v1{path}", _answering(handler))
    app.router.add_get("/graph", graph.page)
    app.router.add_route("*", "/api/v1/{rest:.*}", _answering(api.unknown))
    return app


class Api:
    """The handlers: a request's parameters in, data and further members out."""

    def __init__(
        self, queries: Queries, groups: Sequence[CompiledGroup], tenant_of: TenantOf, interval_ms: int
    ) -> None:
        self._queries = queries
        self._groups = groups
        self._tenant_of = tenant_of
        self._interval_ms = interval_ms

    def routes(self) -> dict[str, Callable[[Parameters], Awaitable[Answer]]]:
        """Path -> handler."""
        return {
            "/query": self._queries.instant,
            "/query_range": self._queries.range,
            "/series": self.series,
            "/labels": self.labels,
            "/label/{name}/values": self.label_values,
            "/rules": self.rules,
            "/alerts": self.alerts,
            "/metadata": self.metadata,
            "/status/buildinfo": self.buildinfo,
        }

    async def series(self, asked: Parameters) -> Answer:
        selectors = asked.selectors()
        if not selectors:
            raise BadRequest("no match[] parameter provided")
        return _limited(answers.label_sets(await self._queries.series(asked, selectors)), asked.limit())

    async def labels(self, asked: Parameters) -> Answer:
        found = await self._queries.series(asked, asked.selectors())
        return _limited(sorted({name for labels in found for name in labels}), asked.limit())

    async def label_values(self, asked: Parameters) -> Answer:
        name = asked.text("name")
        if not _LABEL.fullmatch(name):
            raise BadRequest(f"invalid label name: {name!r}")
        found = await self._queries.series(asked, asked.selectors())
        return _limited(sorted({labels[name] for labels in found if name in labels}), asked.limit())

    async def rules(self, asked: Parameters) -> Answer:
        tenant = self._tenant_of(asked.tenant)
        return rules.groups(self._groups, tenant.engine if tenant else None, self._interval_ms, asked), {}

    async def alerts(self, asked: Parameters) -> Answer:
        tenant = self._tenant_of(asked.tenant)
        return rules.alerts(tenant.active() if tenant else []), {}

    async def metadata(self, _: Parameters) -> Answer:
        return {}, {}

    async def buildinfo(self, _: Parameters) -> Answer:
        names = ("version", "revision", "branch", "buildUser", "buildDate", "goVersion")
        return {**dict.fromkeys(names, ""), "version": COMPATIBLE, "application": "Tidewatch"}, {}

    async def unknown(self, _: Parameters) -> Answer:
        raise web.HTTPNotFound


def _limited(found: list[Any], limit: int) -> Answer:
    if not limit or len(found) <= limit:
        return found, {}
    return found[:limit], {"warnings": ["results truncated due to limit"]}


def _answering(handler: Callable[[Parameters], Awaitable[Answer]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        try:
            data, more = await handler(await _parameters(request))
        except web.HTTPNotFound:
            return _failed("not_found", f"there is no {request.path} here")
        except BadRequest as error:
            return _failed("bad_data", str(error))
        except Rejected as error:
            return _failed("execution", str(error))
        except Timeout as error:
            return _failed("timeout", str(error))
        except Unavailable as error:
            return _failed("unavailable", str(error))
        except Refused as error:
            return _failed("timeout" if error.code == 159 else "execution", f"reading from ClickHouse: {error}")
        except (ArithmeticError, ValueError, RecursionError) as error:
            log.exception("a query failed: %s", request.path)
            return _failed("internal", f"{type(error).__name__}: {error}")
        return _json(200, {"status": "success", "data": data, **more})

    return answer


async def _parameters(request: web.Request) -> Parameters:
    values: dict[str, list[str]] = {name: [value] for name, value in request.match_info.items()}
    form = await request.post() if request.method == "POST" else {}
    for name, value in [*request.query.items(), *form.items()]:
        if isinstance(value, str) and name not in request.match_info:
            values.setdefault(name, []).append(value)
    return Parameters(values, request.headers.get(TENANT_HEADER, ""))


def _failed(kind: str, text: str) -> web.Response:
    return _json(_STATUS[kind], {"status": "error", "errorType": kind, "error": text})


def _json(status: int, content: Any) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(content), content_type="application/json")
