"""A report for a terminal: with colours where there are any, and control characters of events made visible."""

from collections.abc import Iterator
from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from streams.reports.digest import digest
from streams.reports.document import Chart, Figure, Report, Row, Section, Table, Tone
from streams.reports.numbers import are_numbers, clock, visible, written
from streams.reports.sparkline import sparkline

STYLES: dict[Tone, str] = {"": "", "good": "green", "warning": "yellow", "bad": "bold red"}
MARKS: dict[Tone, str] = {"": " ", "good": "✓", "warning": "!", "bad": "✗"}

_WIDTH = 120


def render(report: Report) -> bytes:
    """Without colours, as a file."""
    file = StringIO()
    show(report, Console(file=file, width=_WIDTH, color_system=None, highlight=False))
    return file.getvalue().encode()


def show(report: Report, console: Console) -> None:
    """Print it."""
    period = report.period
    console.print(Text(visible(report.title), style="bold"))
    console.print(Text(visible(report.summary)))
    start, end = clock(period.start_ms, period.zone), clock(period.end_ms, period.zone)
    about = f"{period.name}: {start} to {end} ({period.zone}), tenant {report.tenant}"
    console.print(Text(visible(about), style="dim"))
    numbers = {name: number for number, name in enumerate(report.queries, 1)}
    for section in report.sections:
        console.print()
        for part in _section(section, period.zone, numbers, console.width):
            console.print(part)
    if report.queries:
        console.print(Text("\nQueries", style="bold underline"))
    for name, sql in report.queries.items():
        console.print(Text(f"[{numbers[name]}] {visible(name)}"))
        console.print(Padding(Text("\n".join(map(visible, sql.splitlines())), style="dim"), (0, 0, 0, 4)))
    made = f"\nMade {clock(report.made_at_ms, period.zone)} by {report.made_by}, digest {digest(report)}"
    console.print(Text(made, style="dim"), soft_wrap=True)


def _section(section: Section, zone: str, numbers: dict[str, int], width: int) -> Iterator[RenderableType]:
    yield Text(visible(section.title), style="bold underline")
    if section.text:
        yield Text(visible(section.text))
    if section.figures:
        yield _figures(section.figures, zone, numbers)
    for chart in section.charts:
        yield _chart(chart, numbers, width)
    for table in section.tables:
        yield _table(table, zone, numbers, width)
    for note in section.notes:
        yield Text(f"* {visible(note)}", style="dim")


def _figures(figures: tuple[Figure, ...], zone: str, numbers: dict[str, int]) -> RichTable:
    grid = RichTable.grid(padding=(0, 2))
    for figure in figures:
        name = Text(f"{MARKS[figure.tone]} {visible(figure.name)}{_number(figure.query, numbers)}")
        value = Text(visible(written(figure.value, figure.unit, zone)), style=f"bold {STYLES[figure.tone]}".strip())
        grid.add_row(name, value, Text(visible(figure.note), style="dim"))
    return grid


def _chart(chart: Chart, numbers: dict[str, int], width: int) -> RenderableType:
    grid = RichTable.grid(padding=(0, 2))
    room = max(min(60, width - 50), 10)
    for line in chart.lines:
        known = [value for value in line.values if value is not None]
        low, high = (written(edge(known, default=None), chart.unit) for edge in (min, max))
        grid.add_row(
            Text(visible(line.name)), Text(sparkline(line.values, room)), Text(f"{low} to {high}", style="dim")
        )
    return Group(Text(f"\n{visible(chart.title)}{_number(chart.query, numbers)}"), grid)


def _table(table: Table, zone: str, numbers: dict[str, int], width: int) -> RenderableType:
    title = Text(f"\n{visible(table.title)}{_number(table.query, numbers)}")
    note = [Text(visible(table.note), style="dim")] if table.note else []
    if not table.rows:
        return Group(title, Text(f"  {visible(table.none)}", style="dim"), *note)
    grid = RichTable(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
    grid.add_column("")
    widths = [_widest(table, place, zone) for place in range(len(table.columns))]
    fits = sum(widths) + 2 * len(widths) + 2 <= width
    for place, column in enumerate(table.columns):
        right = are_numbers((row.cells[place] for row in table.rows), column.unit)
        grid.add_column(
            Text(visible(column.name)),
            justify="right" if right else "left",
            overflow="fold",
            min_width=widths[place] if fits else None,
        )
    for row in table.rows:
        grid.add_row(*_cells(row, table, zone))
    return Group(title, grid, *note)


def _widest(table: Table, place: int, zone: str) -> int:
    """Of the cells of a column, and of the words above them."""
    column = table.columns[place]
    cells = (len(visible(written(row.cells[place], column.unit, zone))) for row in table.rows)
    return max(*cells, *map(len, column.name.split()), 0)


def _cells(row: Row, table: Table, zone: str) -> Iterator[Text]:
    yield Text(MARKS[row.tone], style=STYLES[row.tone])
    for value, column in zip(row.cells, table.columns, strict=True):
        yield Text(visible(written(value, column.unit, zone)))


def _number(query: str, numbers: dict[str, int]) -> str:
    return f" [{numbers[query]}]" if query in numbers else ""
