"""Times on a command line: a day, a time of it, or Unix seconds."""

from datetime import UTC, datetime
from typing import Any

import click

from schemas.failures import Rejected


def time_ms(text: str) -> int:
    """Epoch ms. What names no zone is UTC, and a day alone is its midnight. Raises Rejected."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = None
    try:
        at = datetime.fromisoformat(text) if seconds is None else datetime.fromtimestamp(seconds, UTC)
        return round((at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise Rejected(f"{text!r} is no time; write 2026-11-22, 2026-11-22T10:15Z or Unix seconds") from None


class _Time(click.ParamType):
    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return time_ms(str(value))
        except Rejected as error:
            self.fail(str(error), param, ctx)


TIME = _Time()
"""The type of an option: epoch ms, or a usage error that says what to write."""
