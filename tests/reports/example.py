"""A report with everything that a report can have, and with content that means harm."""

from streams.reports.document import (
    Chart,
    Column,
    Figure,
    Limit,
    Line,
    Period,
    Report,
    Row,
    Section,
    Span,
    Table,
)

HOUR = 3_600_000
START = 1_790_812_800_000
"""2026-10-01 00:00 UTC."""

HOSTILE = "<script>alert(1)</script>\"'|`[x](https://evil.example)\x1b[2J"
"""What an event may call a service."""


def report() -> Report:
    """A day."""
    times = tuple(START + hour * HOUR for hour in range(24))
    dip = tuple(None if hour == 5 else 99.95 - 0.4 * (hour in (13, 14)) for hour in range(24))
    return Report(
        kind="sla",
        title="Service levels",
        tenant="default",
        period=Period(name="2026-10-01", start_ms=START, end_ms=START + 24 * HOUR),
        made_at_ms=START + 25 * HOUR,
        made_by="tidewatch 0.1.0",
        summary=f"1 of 2 objectives met; {HOSTILE} missed its own.",
        sections=(
            Section(
                title="Objectives",
                text="What was promised, and what came of it.",
                figures=(
                    Figure(name="Met", value=1, tone="warning", note="of 2", query="objectives"),
                    Figure(name="Worst", value=99.9996, unit="%", tone="good"),
                    Figure(name="Downtime", value=130.5, unit="min", tone="bad"),
                    Figure(name="Nothing known", value=None, unit="%"),
                ),
                charts=(
                    Chart(
                        title="Availability",
                        unit="%",
                        times_ms=times,
                        lines=(Line(name="checkout", values=dip), Line(name=HOSTILE, values=(99.99,) * 24)),
                        limits=(Limit(name="target", value=99.9),),
                        spans=(Span(name=HOSTILE, start_ms=START + 5 * HOUR, end_ms=START + 6 * HOUR),),
                        query="objectives",
                    ),
                    Chart(
                        title="Bad minutes",
                        kind="bars",
                        times_ms=times,
                        lines=(Line(name="minutes", values=tuple(float(hour % 3) for hour in range(24))),),
                    ),
                ),
                tables=(
                    Table(
                        title="Each objective",
                        columns=(
                            Column(name="service"),
                            Column(name="achieved", unit="%"),
                            Column(name="since", unit="time"),
                        ),
                        rows=(
                            Row(cells=(HOSTILE, 99.7, START), tone="bad"),
                            Row(cells=("=1+2", None, START + HOUR), tone="good"),
                        ),
                        query="objectives",
                    ),
                    Table(title="Maintenance", columns=(Column(name="name"),), rows=(), none="None was declared."),
                ),
                notes=(HOSTILE,),
            ),
        ),
        queries={"objectives": "SELECT '</code><script>`' FROM objective_budgets"},
    )
