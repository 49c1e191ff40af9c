"""A report as one HTML file that needs nothing else: no script, no font, no picture from anywhere.

Every text goes through ``escape``, since events decide what services and alerts are called; and the page's own policy
forbids scripts and connections, should anything get through.
"""

import re
from collections.abc import Iterator
from html import escape
from importlib.resources import files

from streams.reports.digest import digest, sealed
from streams.reports.document import Chart, Figure, Report, Section, Table, Tone, Value
from streams.reports.numbers import are_numbers, clock, visible, written
from streams.reports.svg import COLOURS, described, svg

_SCROLLS = '<div class="scroll" tabindex="0" role="group" aria-label="{name}">'
_LONG_TEXT = 30
"""Characters from which a column keeps a width at which sentences can be read, even if one has to scroll."""
_LONG_WORD = re.compile(r"(\S{24})")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_MARKS: dict[Tone, tuple[str, str]] = {"good": ("✓", "good"), "warning": ("!", "attention"), "bad": ("✗", "bad")}
"""A sign, and what a screen reader says for it."""


def render(report: Report) -> bytes:
    """The file; its last line is the seal, in a comment."""
    return sealed(page(report).encode(), digest(report), "<!-- ", " -->")


def page(report: Report) -> str:
    """The page without its seal."""
    style = files(__package__).joinpath("report.css").read_text(encoding="utf-8")
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f'<meta name="tidewatch-digest" content="{digest(report)}">',
            f"<title>{_text(report.title)}, {_text(report.period.name)}</title>",
            f"<style>\n{style}</style>\n</head>\n<body>\n<main>",
            *_head(report),
            *(part for section in report.sections for part in _section(section, report)),
            *_queries(report.queries),
            *_foot(report),
            "</main>\n</body>\n</html>\n",
        ]
    )


def _head(report: Report) -> Iterator[str]:
    period = report.period
    yield f"<header>\n<h1>{_text(report.title)}</h1>"
    yield f'<p class="summary">{_text(report.summary)}</p>'
    about = {
        "Period": f"{period.name}: {clock(period.start_ms, period.zone)} to {clock(period.end_ms, period.zone)}",
        "Time zone": period.zone,
        "Tenant": report.tenant,
    }
    yield '<dl class="about">'
    for name, text in about.items():
        yield f"<div><dt>{name}</dt><dd>{_text(text)}</dd></div>"
    yield "</dl>\n</header>"


def _foot(report: Report) -> Iterator[str]:
    made = clock(report.made_at_ms, report.period.zone)
    yield f"<footer><p>Made {made} by {_text(report.made_by)}. Digest <code>{digest(report)}</code></p>"
    yield "<p><code>tidewatch report verify FILE</code> tells whether a copy is as it was written.</p></footer>"


def _section(section: Section, report: Report) -> Iterator[str]:
    zone, numbers = report.period.zone, _numbers(report.queries)
    yield f"<section>\n<h2>{_text(section.title)}</h2>"
    if section.text:
        yield f"<p>{_text(section.text)}</p>"
    if section.figures:
        yield '<dl class="figures">'
        yield from (_figure(figure, zone, numbers) for figure in section.figures)
        yield "</dl>"
    for chart in section.charts:
        yield from _chart(chart, report, numbers)
    for table in section.tables:
        yield from _table(table, zone, numbers)
    if section.notes:
        yield '<ul class="notes">'
        yield from (f"<li>{_text(note)}</li>" for note in section.notes)
        yield "</ul>"
    yield "</section>"


def _figure(figure: Figure, zone: str, numbers: dict[str, int]) -> str:
    value = _text(written(figure.value, figure.unit, zone))
    note = f'<dd class="note">{_text(figure.note)}</dd>' if figure.note else ""
    return (
        f'<div class="figure {figure.tone}"><dt>{_text(figure.name)}{_link(figure.query, numbers)}</dt>'
        f'<dd class="value">{_mark(figure.tone)}{value}</dd>{note}</div>'
    )


def _chart(chart: Chart, report: Report, numbers: dict[str, int]) -> Iterator[str]:
    period = report.period
    yield f"<figure>\n<figcaption>{_text(chart.title)}{_link(chart.query, numbers)}</figcaption>"
    yield _SCROLLS.format(name=_text(chart.title))
    yield f"{svg(chart, period.start_ms, period.end_ms, period.zone)}</div>"
    if len(chart.lines) > 1:
        yield '<ul class="legend">'
        for number, line in enumerate(chart.lines):
            yield f'<li><span class="key key-{number % len(COLOURS)}"></span>{_text(line.name)}</li>'
        yield "</ul>"
    yield f'<p class="note">{_text(chart.note or described(chart))}</p>\n</figure>'


def _table(table: Table, zone: str, numbers: dict[str, int]) -> Iterator[str]:
    classes = [_class(table, place) for place in range(len(table.columns))]
    yield f"<h3>{_text(table.title)}{_link(table.query, numbers)}</h3>"
    if not table.rows:
        yield f'<p class="none">{_text(table.none)}</p>'
    else:
        yield f"{_SCROLLS.format(name=_text(table.title))}<table>"
        heads = "".join(
            f'<th scope="col"{its_class}>{_text(column.name)}</th>'
            for column, its_class in zip(table.columns, classes, strict=True)
        )
        yield f'<thead><tr><th scope="col"><span class="spoken">State</span></th>{heads}</tr></thead>\n<tbody>'
        for row in table.rows:
            cells = "".join(
                f"<td{its_class}>{_cell(value, column.unit, zone)}</td>"
                for value, column, its_class in zip(row.cells, table.columns, classes, strict=True)
            )
            yield f'<tr class="{row.tone}"><td class="state">{_mark(row.tone)}</td>{cells}</tr>'
        yield "</tbody></table></div>"
    if table.note:
        yield f'<p class="note">{_text(table.note)}</p>'


def _class(table: Table, place: int) -> str:
    unit, cells = table.columns[place].unit, [row.cells[place] for row in table.rows]
    if unit == "time":
        return ' class="time"'
    if are_numbers(cells, unit):
        return ' class="number"'
    return ' class="sentence"' if any(isinstance(cell, str) and len(cell) > _LONG_TEXT for cell in cells) else ""


def _cell(value: Value, unit: str, zone: str) -> str:
    """A word that is very long may be broken, one of usual length not."""
    parts = _LONG_WORD.split(written(value, unit, zone))
    return "<wbr>".join(_text(part) for part in parts if part)


def _queries(queries: dict[str, str]) -> Iterator[str]:
    if queries:
        yield '<section class="queries">\n<h2>Queries</h2>\n<p>Run one with <code>tidewatch sql</code>.</p>\n<ol>'
        for number, (name, sql) in enumerate(queries.items(), 1):
            code = "\n".join(map(_text, sql.splitlines()))
            yield f'<li id="query-{number}"><p>{_text(name)}</p><pre tabindex="0"><code>{code}</code></pre></li>'
        yield "</ol>\n</section>"


def _numbers(queries: dict[str, str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(queries, 1)}


def _link(query: str, numbers: dict[str, int]) -> str:
    if query not in numbers:
        return ""
    number = numbers[query]
    return f'<a class="query" href="#query-{number}" aria-label="Query {number}">{number}</a>'


def _mark(tone: Tone) -> str:
    if not tone:
        return ""
    sign, spoken = _MARKS[tone]
    return f'<span class="mark" aria-hidden="true">{sign}</span><span class="spoken">{spoken}: </span>'


def _text(text: str) -> str:
    return escape(visible(text), quote=True)
