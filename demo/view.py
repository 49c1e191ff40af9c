"""Draws the state of the demo for a terminal of any size from about 60 by 16 on."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.layout import Layout
from rich.measure import Measurement
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from demo.state import Level, Score, State, Transition

NARROW, LOW = 92, 26
"""Columns and lines below which less is shown."""

TARGET_PERCENT, BREACH_PERCENT = 99.9, 95.0
FRAMEWORKS = {"gdpr": "GDPR", "hipaa": "HIPAA", "pci": "PCI DSS", "soc2": "SOC 2"}
STATES = {
    "pending": ("◌", "yellow"),
    "firing": ("●", "bold red"),
    "resolved": ("✓", "green"),
    "inactive": ("·", "dim"),
}
_BARS = "▁▂▃▄▅▆▇█"
_BAR_FLOOR = 50.0
"""Availability, percent, that is drawn as the lowest bar; outages are rare enough to begin here and not at 0."""


class View:
    """The whole screen; rich asks it to draw itself for the size that the terminal has now."""

    def __init__(self, state: State) -> None:
        self.state = state

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height, state = options.height or console.height, self.state
        narrow = options.max_width < NARROW
        notes = state.notes[: max(height - LOW, 1)] or [""]
        rows = max(len(state.levels), len(state.scores), 4)
        layout = Layout()
        layout.split_column(
            Layout(_head(state, narrow), size=4),
            Layout(name="figures", size=rows + 3),
            Layout(_alerts(state, height - rows - 9 - len(notes)), name="alerts"),
            Layout(Text("\n".join(notes), style="dim", overflow="ellipsis", no_wrap=True), size=len(notes)),
        )
        layout["figures"].split_row(Layout(_levels(state.levels, narrow)), Layout(_scores(state.scores), size=31))
        yield from console.render(layout, options.update(height=height))


def _head(state: State, narrow: bool) -> RenderableType:
    title = Table.grid(expand=True, padding=(0, 1))
    title.add_column()
    title.add_column(justify="right")
    phase = f"{state.phase}, round {state.round + 1}" if state.round else state.phase
    seconds = f"{state.seconds // 60:.0f}:{state.seconds % 60:02.0f}"
    title.add_row(
        Text.assemble(("tidewatch demo", "bold"), "  ", (phase, "cyan"), no_wrap=True, overflow="ellipsis"),
        Text(seconds, "dim"),
    )
    bar = Table.grid(expand=True, padding=(0, 1))
    bar.add_column(ratio=1)
    bar.add_column(justify="right", no_wrap=True)
    clock = f"{state.clock:%Y-%m-%d %H:%M:%S} UTC" if state.clock else "…"
    bar.add_row(
        ProgressBar(total=1.0, completed=state.progress, complete_style="cyan", finished_style="green"),
        Text.assemble((f"{state.progress:4.0%}", "bold"), ("  event time ", "dim"), clock),
    )
    return Group(title, bar, _figures(state, narrow))


def _figures(state: State, narrow: bool) -> Text:
    """The numbers in one line."""
    figures = [
        ("", state.stored, " stored", "bold"),
        ("", round(state.per_second), " events/s", "bold cyan"),
        ("lag ", state.lag, "", "bold"),
        ("", state.dead_letters, " dead letters", "bold yellow" if state.dead_letters else "bold"),
        ("", state.windows, " windows", "bold"),
    ]
    if not narrow:
        figures.insert(0, ("", state.published, " published", "bold"))
    text = Text(no_wrap=True, overflow="ellipsis")
    for before, value, after, style in figures:
        text.append(before, "dim").append(f"{value:,}", style).append(after, "dim").append("  " if narrow else "   ")
    return text


def _levels(levels: Iterable[Level], narrow: bool) -> Panel:
    table = _table()
    table.add_column("service", no_wrap=True, overflow="ellipsis")
    for name in ("available", "p95", "errors"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("" if narrow else "minute by minute", no_wrap=True, ratio=1, justify="right", overflow="crop")
    for level in levels:
        table.add_row(
            level.service,
            Text(_percent(level.availability_percent), _health(level.availability_percent)),
            "–" if level.latency_p95_ms is None else f"{level.latency_p95_ms:,.0f} ms",
            "–" if level.error_ratio is None else f"{100 * level.error_ratio:.2f} %",
            Sparkline(level.history),
        )
    return _panel(table, "SLA, last closed minute")


def _scores(scores: Iterable[Score]) -> Panel:
    table = _table()
    table.add_column("", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("violations", justify="right", no_wrap=True, ratio=1)
    for score in scores:
        found = Text(f"{score.violations:,}", "yellow" if score.violations else "dim")
        table.add_row(FRAMEWORKS.get(score.framework, score.framework), _percent(score.percent), found)
    return _panel(table, "Compliance")


def _alerts(state: State, rows: int) -> Panel:
    table = _table(header=False)
    for _ in range(3):
        table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for transition in state.transitions[: max(rows, 1)]:
        table.add_row(*_transition(transition))
    title = Text("Alerts")
    for name in ("firing", "pending", "resolved"):
        if count := state.alerts.get(name):
            title.append(f"  {count:,} {name}", STATES[name][1])
    return _panel(table, title)


def _transition(transition: Transition) -> tuple[Text, ...]:
    sign, style = STATES.get(transition.state, ("?", ""))
    fires = transition.state == "firing"
    return (
        Text(f"{transition.at:%H:%M:%S}", "dim"),
        Text(f"{sign} {transition.state}", style),
        Text(transition.rule, style if fires else ""),
        Text.assemble((transition.summary, "bold" if fires else ""), ("  " + transition.description, "dim")),
    )


class Sparkline:
    """Availability minute by minute: as many of the latest minutes as there is room for."""

    def __init__(self, history: Sequence[float | None]) -> None:
        self.history = history

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, len(self.history))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        text = Text(justify="right", no_wrap=True)
        for percent in self.history[-options.max_width :]:
            text.append(_bar(percent), _health(percent))
        yield text


def _bar(percent: float | None) -> str:
    if percent is None:
        return " "
    share = max(percent - _BAR_FLOOR, 0) / (100 - _BAR_FLOOR)
    return _BARS[min(int(share * len(_BARS)), len(_BARS) - 1)]


def _percent(percent: float | None) -> str:
    return "–" if percent is None else f"{percent:.2f} %"


def _health(percent: float | None) -> str:
    if percent is None:
        return "dim"
    if percent < BREACH_PERCENT:
        return "bold red"
    return "green" if percent >= TARGET_PERCENT else "yellow"


def _table(header: bool = True) -> Table:
    return Table(box=None, expand=True, padding=(0, 1, 0, 0), pad_edge=False, show_header=header, header_style="dim")


def _panel(content: RenderableType, title: str | Text) -> Panel:
    return Panel(content, title=title, title_align="left", box=box.ROUNDED, border_style="bright_black")
