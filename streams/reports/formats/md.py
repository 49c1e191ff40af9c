"""A report as Markdown, as GitHub shows it. What comes from events is escaped: it can be neither link nor HTML."""

import re
from collections.abc import Iterator

from streams.reports.digest import digest, sealed
from streams.reports.document import Chart, Report, Section, Table, Tone
from streams.reports.numbers import are_numbers, clock, visible, written
from streams.reports.sparkline import sparkline

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#|~&!@]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
_MARKS: dict[Tone, str] = {"": "", "good": "✓ ", "warning": "! ", "bad": "✗ "}


def render(report: Report) -> bytes:
    """Markdown; the last line is the seal, in a comment."""
    return sealed("\n".join(_lines(report)).encode(), digest(report), "<!-- ", " -->")


def _lines(report: Report) -> Iterator[str]:
    period = report.period
    yield f"# {_text(report.title)}\n"
    yield f"{_text(report.summary)}\n"
    yield (
        f"Period {_text(period.name)}: {clock(period.start_ms, period.zone)} to {clock(period.end_ms, period.zone)} "
        f"({_text(period.zone)}). Tenant {_text(report.tenant)}. Made {clock(report.made_at_ms, period.zone)} by "
        f"{_text(report.made_by)}.\n"
    )
    yield f"Digest `{digest(report)}`\n"
    for section in report.sections:
        yield from _of_section(section, period.zone)
    if report.queries:
        yield "## Queries\n"
    for name, sql in report.queries.items():
        yield f"### {_text(name)}\n"
        yield f"{_fence(sql)}sql\n{sql}\n{_fence(sql)}\n"


def _of_section(section: Section, zone: str) -> Iterator[str]:
    yield f"## {_text(section.title)}\n"
    if section.text:
        yield f"{_text(section.text)}\n"
    for figure in section.figures:
        note = f" ({_text(figure.note)})" if figure.note else ""
        value = _text(written(figure.value, figure.unit, zone))
        yield f"- {_MARKS[figure.tone]}{_text(figure.name)}: **{value}**{note}{_query(figure.query)}"
    if section.figures:
        yield ""
    for chart in section.charts:
        yield from _of_chart(chart)
    for table in section.tables:
        yield from _of_table(table, zone)
    for note in section.notes:
        yield f"> {_text(note)}\n"


def _of_chart(chart: Chart) -> Iterator[str]:
    yield f"### {_text(chart.title)}{_query(chart.query)}\n"
    for line in chart.lines:
        known = [value for value in line.values if value is not None]
        if known:
            low, high = written(min(known), chart.unit), written(max(known), chart.unit)
            yield f"- {_text(line.name)}: `{sparkline(line.values, 60)}` {_text(low)} to {_text(high)}"
    yield ""


def _of_table(table: Table, zone: str) -> Iterator[str]:
    yield f"### {_text(table.title)}{_query(table.query)}\n"
    if table.rows:
        yield f"| {' | '.join(_text(column.name) for column in table.columns)} |"
        yield f"|{'|'.join(_alignment(table, place) for place in range(len(table.columns)))}|"
        for row in table.rows:
            cells = [
                _text(written(value, column.unit, zone)) for value, column in zip(row.cells, table.columns, strict=True)
            ]
            yield f"| {_MARKS[row.tone]}{' | '.join(cells)} |"
        yield ""
    else:
        yield f"{_text(table.none)}\n"
    if table.note:
        yield f"{_text(table.note)}\n"


def _alignment(table: Table, place: int) -> str:
    return "---:" if are_numbers((row.cells[place] for row in table.rows), table.columns[place].unit) else "---"


def _query(name: str) -> str:
    return f" <sub>query: {_text(name)}</sub>" if name else ""


def _text(text: str) -> str:
    """As it is to be read: on one line, and nothing in it means anything to Markdown."""
    return _SPECIAL.sub(r"\\\1", visible(text))


def _fence(sql: str) -> str:
    """Backticks, more of them than the text has in a row."""
    return "`" * max(3, 1 + max(map(len, re.findall("`+", sql)), default=0))
