"""Charts as SVG: lines or bars over time, in the page itself, with colours of their own where no style sheet reaches.

Every text goes through ``escape``; everything else is a number that is formatted here.
"""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from math import ceil, floor, log10
from typing import NamedTuple

from streams.reports.document import Chart, Line
from streams.reports.instants import Tick, ticks
from streams.reports.numbers import visible, written

WIDTH, HEIGHT = 720, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 74, 12, 12, 26

COLOURS = ("#2563a8", "#b45309", "#15803d", "#9333ea", "#0e7490", "#be185d")
"""Told apart by lightness too, so that they differ when printed in grey or not seen as colours."""

_INK, _FAINT, _LIMIT, _SPAN = "#55606e", "#d5dae0", "#b42318", "#8a94a6"


class Frame(NamedTuple):
    """What the edges of a chart stand for."""

    start_ms: int
    end_ms: int
    low: float
    high: float

    def x(self, at_ms: int) -> float:
        """Where an instant is."""
        share = (at_ms - self.start_ms) / max(self.end_ms - self.start_ms, 1)
        return _LEFT + min(max(share, 0), 1) * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """Where a value is."""
        share = (value - self.low) / (self.high - self.low)
        return HEIGHT - _BOTTOM - min(max(share, 0), 1) * (HEIGHT - _TOP - _BOTTOM)


def svg(chart: Chart, start_ms: int, end_ms: int, zone: str) -> str:
    """One ``<svg>`` element over the time of a report."""
    steps = scale(chart)
    frame = Frame(start_ms, end_ms, steps[0], steps[-1])
    label = _text(f"{chart.title}. {described(chart)}")
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{label}" xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="11">',
        *_spans(chart, frame),
        *_grid(frame, steps, chart.unit),
        *_times(frame, ticks(start_ms, end_ms, zone)),
        *(_bars(chart, frame) if chart.kind == "bars" else _lines(chart, frame)),
        *_limits(chart, frame),
        "</svg>",
    ]
    return "\n".join(parts)


def described(chart: Chart) -> str:
    """What a chart shows, in words: of each line its extremes and its end."""
    sentences = []
    for line in chart.lines:
        known = [value for value in line.values if value is not None]
        if known:
            low, high, last = (written(value, chart.unit) for value in (min(known), max(known), known[-1]))
            sentences.append(f"{line.name}: from {low} to {high}, at the end {last}.")
        else:
            sentences.append(f"{line.name}: no data.")
    return " ".join(sentences)


def scale(chart: Chart) -> list[float]:
    """Round values from below the smallest to above the largest; percentages stay from 0 to 100."""
    shown = [value for line in chart.lines for value in line.values if value is not None]
    shown += [limit.value for limit in chart.limits]
    low, high = min(shown, default=0.0), max(shown, default=1.0)
    if chart.kind == "bars":
        low = min(low, 0.0)
    if high - low < 1e-9:
        low, high = low - (abs(low) * 0.01 or 0.5) * (chart.kind != "bars"), high + (abs(high) * 0.01 or 0.5)
    step = _round_step((high - low) / 4)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    if chart.unit == "%" and min(shown, default=0) >= 0 and max(shown, default=0) <= 100:
        first, last = max(first, 0), min(last, ceil(100 / step))
    return [index * step for index in range(first, max(last, first + 1) + 1)]


def _round_step(least: float) -> float:
    """1, 2 or 5 times a power of ten."""
    power = float(10 ** floor(log10(least)))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * 0.999)


def _grid(frame: Frame, steps: Sequence[float], unit: str) -> Iterator[str]:
    for value in steps:
        y = frame.y(value)
        yield f'<path class="grid" d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}" stroke="{_FAINT}" fill="none"/>'
        text = _text(written(round(value, 9), unit))
        yield f'<text class="ink" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="{_INK}">{text}</text>'


def _times(frame: Frame, marks: Sequence[Tick]) -> Iterator[str]:
    for at_ms, text in marks:
        x = frame.x(at_ms)
        anchor = "end" if x > WIDTH - 40 else "middle"
        yield f'<path class="grid" d="M{x:.1f} {HEIGHT - _BOTTOM}v4" stroke="{_INK}" fill="none"/>'
        yield (
            f'<text class="ink" x="{x:.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}" fill="{_INK}">{_text(text)}</text>'
        )


def _spans(chart: Chart, frame: Frame) -> Iterator[str]:
    for span in chart.spans:
        left, right = frame.x(span.start_ms), frame.x(span.end_ms)
        yield (
            f'<rect class="span" x="{left:.1f}" y="{_TOP}" width="{max(right - left, 1):.1f}" '
            f'height="{HEIGHT - _TOP - _BOTTOM}" fill="{_SPAN}" fill-opacity="0.25"><title>{_text(span.name)}</title>'
            "</rect>"
        )


def _limits(chart: Chart, frame: Frame) -> Iterator[str]:
    for limit in chart.limits:
        y = frame.y(limit.value)
        above = y - 5 if y > _TOP + 14 else y + 13
        yield (
            f'<path class="limit" d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}" stroke="{_LIMIT}" stroke-dasharray="5 4" '
            'fill="none"/>'
        )
        yield (
            f'<text class="limit-name" x="{WIDTH - _RIGHT - 4}" y="{above:.1f}" text-anchor="end" fill="{_LIMIT}">'
            f"{_text(limit.name)}</text>"
        )


def _lines(chart: Chart, frame: Frame) -> Iterator[str]:
    for number, line in enumerate(chart.lines):
        colour = COLOURS[number % len(COLOURS)]
        drawn = "".join(_strokes(line, chart.times_ms, frame))
        yield (
            f'<path class="line-{number % len(COLOURS)}" d="{drawn}" stroke="{colour}" fill="none" stroke-width="1.8" '
            'stroke-linejoin="round" stroke-linecap="round"/>'
        )
        if dots := "".join(_dots(line, chart.times_ms, frame)):
            yield (
                f'<path class="line-{number % len(COLOURS)}" d="{dots}" stroke="{colour}" stroke-width="6" '
                'stroke-linecap="round"/>'
            )


def _strokes(line: Line, times_ms: Sequence[int], frame: Frame) -> Iterator[str]:
    """A new stroke after each gap."""
    is_drawing = False
    for at_ms, value in zip(times_ms, line.values, strict=True):
        if value is not None:
            yield f"{'L' if is_drawing else 'M'}{frame.x(at_ms):.1f} {frame.y(value):.1f}"
        is_drawing = value is not None


def _dots(line: Line, times_ms: Sequence[int], frame: Frame) -> Iterator[str]:
    """Values between two gaps: no stroke would show them."""
    beside = (None, *line.values, None)
    for at_ms, before, value, after in zip(times_ms, beside, line.values, beside[2:], strict=False):
        if value is not None and before is None and after is None:
            yield f"M{frame.x(at_ms):.1f} {frame.y(value):.1f}h0"


def _bars(chart: Chart, frame: Frame) -> Iterator[str]:
    bottom = frame.y(max(frame.low, 0.0))
    for (at_ms, until_ms), value in zip(
        pairwise([*chart.times_ms, frame.end_ms]), chart.lines[0].values if chart.lines else (), strict=True
    ):
        if value:
            left, right, top = frame.x(at_ms), frame.x(until_ms), frame.y(value)
            width = max(right - left - (1 if right - left > 3 else 0), 0.6)
            yield (
                f'<rect class="bar" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
                f'height="{max(bottom - top, 0):.1f}" fill="{COLOURS[0]}"/>'
            )


def _text(text: str) -> str:
    return escape(visible(text), quote=True)
