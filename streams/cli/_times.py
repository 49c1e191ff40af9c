"""Times on a command line: a day, a time of it, or Unix seconds."""

import math
from datetime import UTC, datetime
from typing import Any

import click

from schemas.failures import Rejected

_LATEST_MS = 9_999 * 365 * 86_400_000


def time_ms(text: str) -> int:
    """Epoch ms. What names no zone is UTC, and a day alone is its midnight. Raises Rejected."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = _of_calendar(text)
    if not math.isfinite(seconds) or abs(seconds) * 1000 > _LATEST_MS:
        raise Rejected(f"{text!r} is no time; write 2026-11-22, 2026-11-22T10:15Z or Unix seconds")
    return round(seconds * 1000)


def _of_calendar(text: str) -> float:
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return math.nan


class _Time(click.ParamType):
    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return time_ms(str(value))
        except Rejected as error:
            self.fail(str(error), param, ctx)


TIME = _Time()
"""The type of an option: epoch ms, or a usage error that says what to write."""
