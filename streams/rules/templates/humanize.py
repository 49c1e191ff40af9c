"""Numbers for people: ``humanize``, ``humanizeDuration``, ``humanizePercentage`` and their relatives."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.failures import Rejected
from streams.rules.templates.gofmt import shortest, time_text

_LARGE = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_SMALL = ("m", "u", "n", "p", "f", "a", "z", "y")
_BINARY = ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def number(value: Any) -> float:
    """The value as a float. Raises Rejected when it is none."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Rejected(f"{value!r} is not a number") from None


def _four(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else shortest(value)


def _scaled(value: float, prefixes: tuple[str, ...], base: float) -> tuple[float, str]:
    prefix = ""
    for larger in prefixes:
        if abs(value) < base:
            break
        prefix, value = larger, value / base
    return value, prefix


def _enlarged(value: float) -> tuple[float, str]:
    prefix = ""
    for smaller in _SMALL:
        if abs(value) >= 1:
            break
        prefix, value = smaller, value * 1000
    return value, prefix


def humanize(given: Any) -> str:
    """With a metric prefix: 1234567 is 1.235M."""
    value = number(given)
    if value == 0 or not math.isfinite(value):
        return _four(value)
    value, prefix = _scaled(value, _LARGE, 1000.0) if abs(value) >= 1 else _enlarged(value)
    return _four(value) + prefix


def humanize1024(given: Any) -> str:
    """With a binary prefix: 1048576 is 1Mi."""
    value = number(given)
    if abs(value) <= 1 or not math.isfinite(value):
        return _four(value)
    value, prefix = _scaled(value, _BINARY, 1024.0)
    return _four(value) + prefix


def humanize_duration(given: Any) -> str:
    """Seconds as days, hours, minutes and seconds: 3661 is 1h 1m 1s."""
    value = number(given)
    if not math.isfinite(value):
        return _four(value)
    if value == 0:
        return "0s"
    if abs(value) < 1:
        small, prefix = _enlarged(value)
        return f"{_four(small)}{prefix}s"
    sign, size = ("-", -value) if value < 0 else ("", value)
    minutes, seconds = divmod(int(size), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {seconds}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {seconds}s"
    return f"{sign}{minutes}m {seconds}s" if minutes else f"{sign}{_four(size)}s"


def humanize_percentage(given: Any) -> str:
    """A ratio as a percentage: 0.1234 is 12.34%."""
    return _four(number(given) * 100) + "%"


def to_time(given: Any) -> datetime:
    """Epoch seconds as a time in UTC. Raises Rejected when it is none."""
    try:
        return _EPOCH + timedelta(seconds=number(given))
    except (OverflowError, ValueError):
        raise Rejected(f"{given!r} is not a time") from None


def humanize_timestamp(given: Any) -> str:
    """Epoch seconds as ``2006-01-02 15:04:05 +0000 UTC``."""
    value = number(given)
    return time_text(to_time(value)) if math.isfinite(value) else _four(value)
