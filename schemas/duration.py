"""Durations as Prometheus writes them: ``1h30m``, ``500ms``, ``0``."""

import re

from schemas.failures import Rejected

_UNITS = (("y", 31_536_000_000), ("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000))
_DURATION = re.compile(
    "".join(rf"(?:(\d+){unit}(?!s))?" if unit == "m" else rf"(?:(\d+){unit})?" for unit, _ in _UNITS) + r"(?:(\d+)ms)?"
)


def milliseconds(text: str) -> int:
    """The duration in ms. Raises Rejected: units go from large to small (y w d h m s ms), each at most once."""
    found = _DURATION.fullmatch(text)
    if text == "0":
        return 0
    if not text or found is None:
        raise Rejected(f"{text!r} is not a duration; write it like 30s, 5m or 1h30m")
    factors = [factor for _, factor in _UNITS] + [1]
    return sum(int(count) * factor for count, factor in zip(found.groups(), factors, strict=True) if count)


def duration_text(duration_ms: int) -> str:
    """The shortest way to write it, such as ``1h30m``. Years and weeks only when they come out even."""
    if duration_ms == 0:
        return "0s"
    out, rest = "", duration_ms
    for unit, factor in (*_UNITS, ("ms", 1)):
        if unit in "yw" and rest % factor:
            continue
        count, rest = divmod(rest, factor)
        out += f"{count}{unit}" if count else ""
    return out
