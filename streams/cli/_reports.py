"""What the commands that make reports share: their options, and where a report goes."""

import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from schemas.failures import Rejected
from streams.api.parameters import DEFAULT_TENANT
from streams.reports.digest import digest
from streams.reports.document import Report
from streams.reports.formats import NAMES, render
from streams.reports.formats.terminal import show
from streams.reports.period import period

_Command = TypeVar("_Command", bound=Callable[..., Any])

MADE_BY = f"tidewatch {version('tidewatch')}"

_ENDINGS = {f".{name}": name for name in NAMES if name != "terminal"} | {".htm": "html", ".markdown": "md"}


def now_ms() -> int:
    """By the clock on the wall."""
    return time.time_ns() // 1_000_000


def report_options(command: _Command, formats: Sequence[str] = NAMES) -> _Command:
    """``--config``, ``--period``, ``--zone``, ``--tenant``, ``--format`` and ``--output``, as ``path``,
    ``period_text``, ``zone``, ``tenant``, ``format_`` and ``output``."""
    options = (
        click.option(
            "--config", "path", metavar="FILE", help="The file; else TIDEWATCH_CONFIG, else ./tidewatch.toml."
        ),
        click.option(
            "--period",
            "period_text",
            default="day",
            show_default=True,
            metavar="PERIOD",
            help="day, week, month or quarter: the last one that is over. 2026-10-05, 2026-W41, 2026-10, 2026-Q4: that "
            "one. FROM..TO: from the beginning of the one to the end of the other.",
        ),
        click.option("--zone", default="UTC", show_default=True, metavar="ZONE", help="IANA time zone of the period."),
        click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose."),
        click.option(
            "--format",
            "format_",
            type=click.Choice(formats),
            help="Else what the ending of --output says; else for the terminal.",
        ),
        click.option(
            "--output", metavar="FILE", type=click.Path(dir_okay=False, writable=True), help="Else standard output."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def period_option(text: str, zone: str, at_ms: int) -> Any:
    """The period that the options say. Raises click's UsageError (exit status 2)."""
    try:
        return period(text, zone, at_ms)
    except (Rejected, KeyError, ValueError) as error:
        reason = str(error) if isinstance(error, Rejected) else f"{zone!r} is no IANA time zone such as Europe/Berlin"
        raise click.UsageError(reason) from None


def write(report: Report, format_: str | None, output: str | None) -> None:
    """Print a report or write it to a file. Raises Rejected where this machine lacks what a format needs."""
    name = format_ or _ENDINGS.get(Path(output or "").suffix.lower(), "terminal")
    if output is None and name == "terminal":
        show(report, Console(highlight=False, width=None if sys.stdout.isatty() else 120))
        return
    written = render(report, name)
    if output is None:
        sys.stdout.buffer.write(written)
        return
    Path(output).write_bytes(written)
    click.echo(f"{output}: {report.title}, {report.period.name}, {digest(report)}", err=True)
