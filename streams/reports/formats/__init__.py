"""One format a file: a module with ``render``, which gives the bytes of a file."""

import importlib
from collections.abc import Callable

from streams.reports.document import Report

NAMES = ("terminal", "html", "md", "csv", "json", "pdf")
"""What can be asked for; the endings of files too, but for ``terminal``."""


def render(report: Report, name: str) -> bytes:
    """A report in a format. Raises Rejected where this machine lacks what the format needs."""
    of_format: Callable[[Report], bytes] = importlib.import_module(f"{__name__}.{name}").render
    return of_format(report)
