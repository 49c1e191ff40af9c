"""``tidewatch worker``: run the pipeline: from Kafka to ClickHouse and Alertmanager."""

import asyncio
import logging
import signal
import sys

import click
import uvloop

from schemas.config import Config
from schemas.failures import Rejected, Unavailable
from streams import supervisor
from streams import worker as pipeline
from streams.config import load
from streams.telemetry import logs

log = logging.getLogger(__name__)


@click.command()
@click.option("--config", "path", metavar="FILE", help="Configuration file; default: ./tidewatch.toml if there is one.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes on this machine.")
def command(path: str | None, workers: int) -> None:
    """Read events from Kafka; write windows to ClickHouse and alerts to Alertmanager.

    Stops cleanly on SIGTERM or Ctrl-C: what is being written is finished, the rest is left for the next start.
    Exit status 75: a server that is needed to start did not answer; start it again later.
    """
    try:
        config = load(path)
        logs.configure(config.log)
        uvloop.run(_until_signalled(config, path, workers))
    except (Rejected, Unavailable) as error:
        click.echo(f"tidewatch worker: {error}", err=True)
        sys.exit(supervisor.UNAVAILABLE if isinstance(error, Unavailable) else 1)


async def _until_signalled(config: Config, path: str | None, workers: int) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if workers == 1:
        await pipeline.run(config, stop, started=_announce)
    else:
        await supervisor.run(config, path, workers, stop)


def _announce(worker: pipeline.Worker) -> None:
    where = [f"health and metrics on port {worker.http_port}"]
    if worker.clickhouse_port is not None:
        where.append(f"ClickHouse (read-only) on port {worker.clickhouse_port}")
    log.info("running: %s", ", ".join(where))
