"""``tidewatch demo``: watch the whole pipeline with real data, in one process."""

import asyncio
import shutil
import signal
import sys
from functools import partial
from pathlib import Path

import click
import msgspec
import uvloop
from rich.console import Console
from rich.live import Live

from demo import lines
from demo.next_steps import next_steps
from demo.run import FOREVER_SPEED, SPEED, Options, Show, run
from demo.state import State
from demo.summary import Summary, table
from demo.view import View
from schemas.failures import Rejected, Unavailable
from streams.cli.replay import Speed

_FRAMES_PER_SECOND = 4
_INTERRUPTED = 130


@click.command()
@click.option("--speed", type=Speed(), help=f"Of the replay: {SPEED:g}x, with --forever {FOREVER_SPEED:g}x; or max.")
@click.option("--forever", is_flag=True, help="Go on until Ctrl-C: from two days ago up to now, and then in real time.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="An empty or new directory for what is stored; else a fresh one among the temporary files.",
)
@click.option("--alertmanager", metavar="URL", help="A real Alertmanager; else an inbox that only keeps alerts.")
@click.option("--clickhouse-port", type=click.IntRange(0, 65535), default=0, help="Of the queries; else a free one.")
@click.option("--json", "as_json", is_flag=True, help="Print nothing but a summary object at the end.")
def command(
    speed: float | None,
    forever: bool,
    data: Path | None,
    alertmanager: str | None,
    clickhouse_port: int,
    as_json: bool,
) -> None:
    """Watch real data become windows, service levels, verdicts and alerts; nothing needs to be installed or started.

    A Kafka broker, ClickHouse and a worker run inside this process. Two hours of recorded faults and attacks are
    replayed, their times moved to now, in little more than a minute. Exit status 1: a record was lost.
    """
    speed = speed or (FOREVER_SPEED if forever else SPEED)
    options = Options(data, speed, forever, alertmanager, clickhouse_port)
    console = Console()
    drawing = console.is_terminal and not console.is_dumb_terminal and not as_json
    show = partial(_draw, console) if drawing else partial(lines.show, out=sys.stderr)
    try:
        summary, interrupted = uvloop.run(_until_signalled(options, show))
    except (Rejected, Unavailable) as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(summary)))
    else:
        console.print(table(summary), "", next_steps(summary.data, _name()), sep="\n", soft_wrap=True)
    if interrupted and not forever:
        sys.exit(_INTERRUPTED)
    sys.exit(0 if summary.is_complete else 1)


def _name() -> str:
    """How this command is called: by its name where that is found, else by its path."""
    called = Path(sys.argv[0])
    if shutil.which(called.name):
        return called.name
    return str(called.relative_to(Path.cwd()) if called.is_relative_to(Path.cwd()) else called)


async def _until_signalled(options: Options, show: Show) -> tuple[Summary, bool]:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return await run(options, show, stop), stop.is_set()


async def _draw(console: Console, state: State) -> None:
    """The live view, until cancelled."""
    with Live(View(state), console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.refresh()
            await asyncio.sleep(1 / _FRAMES_PER_SECOND)
