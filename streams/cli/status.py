"""``tidewatch status``: all services on one screen."""

import time
from datetime import datetime
from zoneinfo import ZoneInfo

import click
import msgspec
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from streams.api.parameters import DEFAULT_TENANT
from streams.cli._clickhouse import Ask, asking, sentences
from streams.config import load
from streams.reports.numbers import clock, visible, written
from streams.reports.sparkline import sparkline
from streams.reports.status import ServiceStatus, State, Status, status

_STYLES: dict[State, str] = {"ok": "green", "alerting": "yellow", "down": "bold red", "no data": "dim"}
_MARKS: dict[State, str] = {"ok": "✓", "alerting": "!", "down": "✗", "no data": "·"}
_POINTS = ((140, 48), (100, 24), (0, 12))
"""Columns of a terminal, and of the sparkline on it."""


@click.command()
@click.option("--config", "path", metavar="FILE", help="The file; else TIDEWATCH_CONFIG, else ./tidewatch.toml.")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose services.")
@click.option("--at", metavar="TIME", help="As it was then, such as 2026-10-05T14:00; else now.")
@click.option(
    "--zone", default="UTC", show_default=True, metavar="ZONE", help="IANA time zone of --at and of what is shown."
)
@click.option("--watch", is_flag=True, help="Refresh until Ctrl-C.")
@click.option(
    "--every", type=click.FloatRange(min=0.5), default=5.0, show_default=True, metavar="SECONDS", help="With --watch."
)
@click.option("--json", "as_json", is_flag=True, help="Print one object, with everything that is known.")
def command(path: str | None, tenant: str, at: str | None, zone: str, watch: bool, every: float, as_json: bool) -> None:
    """Show how all services do: state, availability with its last day, response time, error budget, alerts.

    The exit status is 0 when all is well, and 1 when a service is down or an alert fires, when a budget is gone, or
    when nothing is known of any service.
    """
    instant = _instant(at, zone)
    with sentences():
        config = load(path)
        window_ms = min(config.windows.sizes) * 1000
        with asking(config.clickhouse) as ask:
            if watch:
                _watch(ask, tenant, window_ms, zone, every)
                return
            found = status(ask, tenant, _now_ms() if instant is None else instant, window_ms)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
    else:
        console = Console(highlight=False)
        console.print(screen(found, zone, console.width))
    raise SystemExit(0 if found.is_well else 1)


def screen(found: Status, zone: str, width: int) -> RenderableType:
    """Services in a table, what is wrong in words; nothing is said by colour alone."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    rows = [_cells(each, width) for each in found.services]
    room = width
    for place, (name, justify) in enumerate(_columns(width)):
        widest = max([len(name), *(len(row[place]) for row in rows)])
        least = None if name in _ELASTIC else widest
        room -= widest + 2 if name != "why" else 0
        table.add_column(name, justify=justify, overflow="ellipsis", no_wrap=True, min_width=least)  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*row)
    table.columns[-1].max_width = max(room, _LEAST_WHY)
    well = sum(each.state == "ok" for each in found.services)
    title = f"{well} of {len(found.services)} services are well at {clock(found.at_ms, zone)} ({zone})"
    parts: list[RenderableType] = [Text(title, style="bold green" if found.is_well else "bold"), table]
    if not found.services:
        parts[1:] = [
            Text(
                "No service level and no health is known of the last day: is a worker running, and do services publish "
                "heartbeats or requests_total?"
            )
        ]
    if found.others:
        parts.append(Text(f"Firing for no service: {visible(', '.join(found.others))}", style="yellow"))
    return Group(*parts)


def _columns(width: int) -> list[tuple[str, str]]:
    right = ("availability", "now", "p95", "requests/s", "budget left")
    names = ["", "service", "state", "availability", "last day", "now", "p95", "requests/s", "budget left", "why"]
    return [(name, "right" if name in right else "left") for name in names if width >= 100 or name not in _DISPENSABLE]


_ELASTIC = ("service", "why")
"""What is cut when it is too long."""
_LEAST_WHY = 8
"""Characters. It gets what the others leave: rich would else cut them all."""
_DISPENSABLE = ("now", "p95", "requests/s")
"""What a narrow terminal goes without."""


def _cells(each: ServiceStatus, width: int) -> list[Text]:
    style = _STYLES[each.state]
    per_second = None if each.per_second is None else round(each.per_second, 2)
    cells = {
        "": Text(_MARKS[each.state], style=style),
        "service": Text(visible(each.service) or "(none)"),
        "state": Text(each.state, style=style),
        "availability": Text(written(each.availability, "%")),
        "last day": Text(
            sparkline(each.course, next(points for least, points in _POINTS if width >= least), high=100.0)
        ),
        "now": Text(written(each.latest, "%")),
        "p95": Text(written(each.p95_ms, "ms")),
        "requests/s": Text(written(per_second)),
        "budget left": Text(written(each.budget_left, "%")),
        "why": Text(visible(each.why), style=style),
    }
    return [cells[name] for name, _ in _columns(width)]


def _watch(ask: Ask, tenant: str, window_ms: int, zone: str, every: float) -> None:
    console = Console(highlight=False)
    with Live(console=console, screen=console.is_terminal, auto_refresh=False) as live:
        try:
            while True:
                live.update(screen(status(ask, tenant, _now_ms(), window_ms), zone, console.width), refresh=True)
                time.sleep(every)
        except KeyboardInterrupt:
            return


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _instant(text: str | None, zone: str) -> int | None:
    try:
        known = ZoneInfo(zone)
        if text is None:
            return None
        at = datetime.fromisoformat(text)
    except (ValueError, KeyError):
        raise click.UsageError(
            f"--at {text} --zone {zone}: write a time such as 2026-10-05T14:00, and an IANA zone such as Europe/Berlin"
        ) from None
    return int((at if at.tzinfo else at.replace(tzinfo=known)).timestamp() * 1000)
