"""What a report says, whatever it is about and however it is written.

Each figure, table and chart names the query that gives it, so that a reader can ask again.
"""

from typing import Literal

import msgspec

Tone = Literal["", "good", "warning", "bad"]
"""How something is meant to be taken. Never the only sign of it: words say the same."""

Value = str | int | float | None
"""None: it is not known. What a number means is said by a unit, see :mod:`streams.reports.numbers`."""


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What reports are made of: values, so that equal contents have equal digests."""


class Period(Part, frozen=True, kw_only=True):
    """The time that a report is about: [start, end) in epoch ms, both shown in a zone."""

    name: str
    """As people call it, such as ``2026-10`` or ``2026-W41``."""
    start_ms: int
    end_ms: int
    zone: str = "UTC"
    """IANA name."""


class Figure(Part, frozen=True, kw_only=True):
    """One number that matters."""

    name: str
    value: Value
    unit: str = ""
    tone: Tone = ""
    note: str = ""
    """A few words below it."""
    query: str = ""
    """Which of the report's ``queries`` gives it; empty: none does."""


class Column(Part, frozen=True, kw_only=True):
    """Of a table."""

    name: str
    unit: str = ""


class Row(Part, frozen=True, kw_only=True):
    """As many cells as the table has columns."""

    cells: tuple[Value, ...]
    tone: Tone = ""


class Table(Part, frozen=True, kw_only=True):
    """Rows that belong together."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    none: str = "None."
    """What is said when there are no rows."""
    note: str = ""
    query: str = ""


class Line(Part, frozen=True, kw_only=True):
    """Values over time, as many as the chart has times; None leaves a gap."""

    name: str
    values: tuple[float | None, ...]


class Limit(Part, frozen=True, kw_only=True):
    """A value that lines are compared with, such as a target."""

    name: str
    value: float


class Span(Part, frozen=True, kw_only=True):
    """A stretch of time that explains something, such as maintenance; epoch ms."""

    name: str
    start_ms: int
    end_ms: int


class Chart(Part, frozen=True, kw_only=True):
    """Lines or bars over time."""

    title: str
    unit: str = ""
    kind: Literal["lines", "bars"] = "lines"
    """``bars`` have one line; they begin at zero."""
    times_ms: tuple[int, ...]
    """Where each value stands, ascending; epoch ms. A bar reaches to the next, the last one to the period's end."""
    lines: tuple[Line, ...]
    limits: tuple[Limit, ...] = ()
    spans: tuple[Span, ...] = ()
    note: str = ""
    query: str = ""


class Section(Part, frozen=True, kw_only=True):
    """A subject of the report, shown in this order."""

    title: str
    text: str = ""
    figures: tuple[Figure, ...] = ()
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()


class Report(Part, frozen=True, kw_only=True):
    """The whole of it."""

    kind: str
    """What sort of report: ``sla``, ``cost``, ``compliance``."""
    title: str
    tenant: str
    period: Period
    made_at_ms: int
    made_by: str
    """Program and version."""
    summary: str
    """One or two sentences: what a reader takes along who reads no further."""
    sections: tuple[Section, ...]
    queries: dict[str, str] = {}
    """SQL by name."""
