"""A report with all that a report can have, and with hostile content, in a browser."""

from pathlib import Path

import pytest

from streams.reports.formats import render
from tests.reports.browser import Look
from tests.reports.browser import look as look_at
from tests.reports.example import report

SHOWN = [(1060, False), (1060, True), (360, False), (360, True)]
"""The width of the window in pixels, and whether its reader prefers dark pages."""


def problems(look: Look, width: int, *, dark: bool) -> list[str]:
    """What a reader, or the author of the page, would complain about."""
    background = [int(part) for part in look.background.removeprefix("rgb(").rstrip(")").split(",")]
    wide = [f"{look.width} pixels wide in a window of {width}"] if look.width > width else []
    wrong = ["not of the colours that were asked for"] if (sum(background) < 3 * 128) != dark else []
    return wide + wrong + look.sticking_out + look.console


@pytest.mark.usefixtures("chromium")
@pytest.mark.parametrize(("width", "dark"), SHOWN)
def test_nothing_sticks_out_and_the_console_is_silent(width: int, dark: bool, tmp_path: Path) -> None:
    look = look_at(render(report(), "html"), tmp_path, width, dark=dark)
    assert problems(look, width, dark=dark) == []
    assert look.text > 1000
    assert look.picture.stat().st_size > 10_000


@pytest.mark.usefixtures("chromium")
def test_a_page_with_mistakes_is_noticed(tmp_path: Path) -> None:
    """What is too wide, what is not dark, and what the page's own policy stops."""
    wide = b"<style>html { background: #fff }</style><img src='https://evil.example/a'><div style='width: 900px'>wide"
    policy = b"<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    found = problems(look_at(policy + wide, tmp_path, 360, dark=True), 360, dark=True)
    assert len(found) == 4
    assert "DIV wide" in found
    assert "violates the following Content Security Policy" in found[3]
