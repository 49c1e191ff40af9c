"""A report as CSV for machines and spreadsheets: one value a line, with what it belongs to.

Columns: section, what it is (figure, table, chart), its title, row, column, value, unit. Numbers are not rounded, times
are ISO 8601 in UTC. A text that a spreadsheet would take for a formula gets an apostrophe before it.
"""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO

from streams.reports.digest import digest, sealed
from streams.reports.document import Chart, Report, Section, Table, Value

COLUMNS = ("section", "part", "title", "row", "column", "value", "unit", "query")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_Line = tuple[str, str, str, str, str, Value, str, str]


def render(report: Report) -> bytes:
    """Lines as :data:`COLUMNS` says; the last one is the seal."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in _lines(report):
        writer.writerow([_safe(_plain(value, line[6])) if i == 5 else _safe(value) for i, value in enumerate(line)])
    return sealed(text.getvalue().encode(), digest(report), after="," * (len(COLUMNS) - 1))


def _lines(report: Report) -> Iterator[_Line]:
    about: dict[str, tuple[Value, str]] = {
        "title": (report.title, ""),
        "tenant": (report.tenant, ""),
        "period": (report.period.name, ""),
        "zone": (report.period.zone, ""),
        "start": (report.period.start_ms, "time"),
        "end": (report.period.end_ms, "time"),
        "made": (report.made_at_ms, "time"),
        "made by": (report.made_by, ""),
        "summary": (report.summary, ""),
    }
    for name, (value, unit) in about.items():
        yield "", "report", name, "", "", value, unit, ""
    for section in report.sections:
        yield from _of_section(section)
    for name, sql in report.queries.items():
        yield "", "query", name, "", "", sql, "", ""


def _of_section(section: Section) -> Iterator[_Line]:
    for figure in section.figures:
        yield section.title, "figure", figure.name, "", "", figure.value, figure.unit, figure.query
    for table in section.tables:
        yield from _of_table(section.title, table)
    for chart in section.charts:
        yield from _of_chart(section.title, chart)
    for number, note in enumerate(section.notes, 1):
        yield section.title, "note", "", str(number), "", note, "", ""


def _of_table(section: str, table: Table) -> Iterator[_Line]:
    for number, row in enumerate(table.rows, 1):
        for column, value in zip(table.columns, row.cells, strict=True):
            yield section, "table", table.title, str(number), column.name, value, column.unit, table.query


def _of_chart(section: str, chart: Chart) -> Iterator[_Line]:
    for line in chart.lines:
        for at, value in zip(chart.times_ms, line.values, strict=True):
            yield section, "chart", chart.title, _instant(at), line.name, value, chart.unit, chart.query


def _plain(value: Value, unit: str) -> str:
    if unit == "time" and isinstance(value, int | float):
        return _instant(int(value))
    return "" if value is None else str(value)


def _instant(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _safe(value: Value) -> str:
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
