"""What the demo shows while it runs: plain data, filled by :mod:`demo.watch`, drawn by :mod:`demo.view`."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple


class Level(NamedTuple):
    """How a service did in its last closed minutes; None for a minute of which nothing is known."""

    service: str
    availability_percent: float | None
    latency_p95_ms: float | None
    error_ratio: float | None
    history: list[float | None]
    """Availability, percent, minute by minute up to the last one closed."""


class Score(NamedTuple):
    """Verdicts of one framework."""

    framework: str
    evaluated: int
    compliant: int
    violations: int

    @property
    def percent(self) -> float | None:
        """``100 * compliant / evaluated``."""
        return 100 * self.compliant / self.evaluated if self.evaluated else None


class Transition(NamedTuple):
    """An alert that entered a state, at an instant of event time."""

    at: datetime
    state: str
    rule: str
    severity: str
    summary: str
    description: str


@dataclass
class State:
    """One look at everything."""

    phase: str = "starting a broker, ClickHouse and a worker"
    """What goes on, in a word or a sentence."""
    progress: float = 0.0
    """Of the story, 0 to 1; in an endless run, of its present round."""
    round: int = 0
    seconds: float = 0.0
    published: int = 0
    stored: int = 0
    per_second: float = 0.0
    dead_letters: int = 0
    windows: int = 0
    clock: datetime | None = None
    """How far event time has come in the worker: its watermark."""
    levels: list[Level] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    """The latest ones, newest first."""
    alerts: dict[str, int] = field(default_factory=dict)
    """Number of alerts by their present state."""
    notes: list[str] = field(default_factory=list)
    """What the user should know while this runs, the most useful first."""

    @property
    def lag(self) -> int:
        """Records that are published and not yet stored."""
        return max(self.published - self.stored, 0)
