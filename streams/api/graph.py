"""``/graph``: the page that the links of alerts lead to. It asks the worker for the expression in its address.

The parameters are those of Prometheus' page of the same name: ``g0.expr``, and ``g0.end_input`` for a time; ``tenant``
besides.
"""

from importlib.resources import files

from aiohttp import web

_PAGE = (files(__package__) / "graph.html").read_text(encoding="utf-8")
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'"
)


async def page(_: web.Request) -> web.Response:
    """Always the same page: what is asked for is put in by the browser, as text."""
    return web.Response(text=_PAGE, content_type="text/html", headers={"Content-Security-Policy": _POLICY})
