"""A line of small bars: the course of a number in as many characters."""

from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
GAP = "·"
"""Where nothing is known."""


def sparkline(
    values: Sequence[float | None], width: int, low: float | None = None, high: float | None = None, bars: str = BARS
) -> str:
    """At most ``width`` characters; where several values fall into one, the smallest is shown, since dips matter.

    ``low``, ``high``: what the lowest and the highest bar stand for; else the extremes of the values.
    """
    count = len(values)
    columns = min(width, count)
    parts = [values[place * count // columns : (place + 1) * count // columns] for place in range(columns)]
    least = [min((value for value in part if value is not None), default=None) for part in parts]
    known = [value for value in least if value is not None]
    if not known:
        return GAP * columns
    bottom = min(known) if low is None else low
    top = max(known) if high is None else high
    return "".join(GAP if value is None else bars[_height(value, bottom, top, len(bars))] for value in least)


def _height(value: float, low: float, high: float, bars: int) -> int:
    if high <= low:
        return bars - 1
    return min(max(int((value - low) / (high - low) * bars), 0), bars - 1)
