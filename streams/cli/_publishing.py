"""What the commands that send events share: where Kafka is, and a line of progress."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
import msgspec

from schemas.config import Config
from schemas.failures import Rejected, Unavailable
from streams.config import load

_Command = TypeVar("_Command", bound=Callable[..., Any])

_PROGRESS_SECONDS = 0.2


def kafka_options(command: _Command) -> _Command:
    """``--config`` and ``--bootstrap-servers``, as ``path`` and ``bootstrap_servers``."""
    command = click.option(
        "--bootstrap-servers", metavar="HOST:PORT,...", help="Kafka brokers, instead of kafka.bootstrap_servers."
    )(command)
    return click.option(
        "--config", "path", metavar="FILE", help="The file; else TIDEWATCH_CONFIG, else ./tidewatch.toml."
    )(command)


def settings(path: str | None, bootstrap_servers: str | None) -> Config:
    """The configuration with the brokers of the command line; ends the command with a sentence when it is wrong."""
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())  # a failure is told once, in a sentence of ours
    try:
        config = load(path)
    except Rejected as problem:
        raise click.ClickException(str(problem)) from None
    if not bootstrap_servers:
        return config
    kafka = msgspec.structs.replace(config.kafka, bootstrap_servers=bootstrap_servers.split(","))
    return msgspec.structs.replace(config, kafka=kafka)


class Failure:
    """What stopped a run, if anything did: told after its summary."""

    def __init__(self) -> None:
        self.problem: Rejected | Unavailable | None = None

    def end(self, also: bool = False) -> None:
        """End the command with exit status 1 when there was a problem, or ``also`` says so."""
        if self.problem is not None:
            raise click.ClickException(str(self.problem))
        if also:
            raise SystemExit(1)


@contextmanager
def failing() -> Iterator[Failure]:
    """Keeps a ``Rejected`` or ``Unavailable`` of the block."""
    failure = Failure()
    try:
        yield failure
    except (Rejected, Unavailable) as problem:
        failure.problem = problem


class Progress:
    """One line on standard error that is written over; nothing when that is no terminal."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self._shown = sys.stderr.isatty()
        self._next = 0.0

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self.begun

    def show(self, sent: int, more: str = "") -> None:
        """So many events were handed over; at most five times a second."""
        now = time.monotonic()
        if self._shown and now >= self._next:
            self._next = now + _PROGRESS_SECONDS
            rate = sent / max(self.seconds, 0.001)
            click.echo(f"\r\x1b[2K{sent:,} events, {rate:,.0f}/s{more}", nl=False, err=True)

    def end(self) -> None:
        """Clear the line."""
        if self._shown:
            click.echo("\r\x1b[2K", nl=False, err=True)
