"""What the demo shows: it fits the terminal, and says what is the matter in words and not by colour alone."""

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from demo.lines import line
from demo.state import Level, Score, State, Transition
from demo.view import View

AT = datetime(2026, 11, 22, 16, 8, 20, tzinfo=UTC)

BUSY = State(
    phase="replaying",
    progress=0.5,
    seconds=63.4,
    published=13_478,
    stored=13_140,
    per_second=629.4,
    dead_letters=9,
    windows=2_717,
    clock=AT,
    levels=[
        Level("Frontend", 49.586776859504134, 670.0, 0.5041, [100.0] * 59 + [49.586776859504134]),
        Level("payments", None, None, None, [99.9, None] * 30),
    ],
    scores=[Score("gdpr", 100, 98, 2), Score("hipaa", 0, 0, 0)],
    transitions=[
        Transition(AT, "firing", "SLABreach", "critical", "Frontend breaches its SLA", "Only 49.59 % succeeded"),
        Transition(AT, "pending", "ServiceDown", "critical", "payments is down", "silent"),
    ]
    + [Transition(AT, "resolved", "HighLatency", "high", "High latency of Frontend", "2 s")] * 60,
    alerts={"firing": 1, "pending": 1, "resolved": 60},
    notes=["Ctrl-C stops.", "Alerts go to an inbox, not an Alertmanager."],
)


def drawn(state: State, width: int, height: int) -> list[str]:
    """The screen, line by line."""
    out = io.StringIO()
    Console(file=out, width=width, height=height, legacy_windows=False).print(View(state))
    return out.getvalue().rstrip("\n").split("\n")


@pytest.mark.parametrize("size", [(100, 30), (80, 24), (60, 16), (200, 50)])
@pytest.mark.parametrize("state", [BUSY, State()], ids=["busy", "empty"])
def test_it_fills_the_screen_and_not_more(state: State, size: tuple[int, int]) -> None:
    """At any size, with much to show and with nothing."""
    lines = drawn(state, *size)
    assert len(lines) == size[1]
    assert max(map(len, lines)) <= size[0]


@pytest.mark.parametrize("size", [(100, 30), (80, 24)])
def test_the_essentials_are_there(size: tuple[int, int]) -> None:
    """Numbers, service levels, scores, alerts with their states in words, and how to stop."""
    screen = "\n".join(drawn(BUSY, *size))
    for text in ("13,140", "629 events/s", "lag 338", "9 dead letters", "49.59 %", "670 ms", "98.00 %", "1:03"):
        assert text in screen
    for text in ("● firing   SLABreach", "◌ pending  ServiceDown", "✓ resolved HighLatency", "16:08:20", "Ctrl-C"):
        assert text in screen


def test_a_minute_without_requests_is_a_gap_and_a_bad_one_a_low_bar() -> None:
    """In the line of minutes, whose latest ones are shown when there is not room for all."""
    screen = drawn(BUSY, 100, 30)
    frontend = next(text for text in screen if "Frontend " in text and "49.59" in text)
    assert "██▁ │" in frontend
    assert "…" not in frontend
    payments = next(text for text in screen if "payments " in text and "–" in text)
    assert "█ █ " in payments


def test_without_a_terminal_it_is_a_line() -> None:
    """For logs and pipes."""
    assert line(State(phase="starting")) == "tidewatch demo: starting"
    assert "13,478 published, 13,140 stored (629/s), lag 338" in line(BUSY)
    assert "1 firing, 1 pending, 60 resolved" in line(BUSY)
