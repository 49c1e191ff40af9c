"""``tidewatch publish``: send events from files and pipes."""

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import BinaryIO

import click

from schemas import cloudevents
from schemas.config import Config
from schemas.failures import Rejected
from sinks.kafka import Delivery, Publisher, key_of, topic_of
from streams.cli._publishing import Progress, failing, kafka_options, settings

READ_BYTES = 65_536
PROBLEMS_KEPT = 100
"""How many of the problems a summary lists; all of them are counted."""


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--strict", is_flag=True, help="Stop at the first line that is not an event.")
@click.option("--raw", is_flag=True, help="Send every line as it is, unchecked; --topic says where.")
@click.option("--topic", help="Send to this topic, instead of the one of the event's type.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as a JSON object.")
@kafka_options
def command(
    file: BinaryIO,
    strict: bool,
    raw: bool,
    topic: str | None,
    as_json: bool,
    path: str | None,
    bootstrap_servers: str | None,
) -> None:
    """Publish events from FILE ("-": standard input), one CloudEvent in JSON a line.

    Lines that are not events are reported with their number and left out; empty ones are skipped. Each event goes to
    the topic of its type, keyed by tenant and service. Exit status 1 when a line was refused or not stored.
    """
    config = settings(path, bootstrap_servers)
    if raw and not topic:
        topic = config.topics.metrics
    publication = Publication(config, topic, raw=raw, strict=strict)
    with failing() as failure:
        asyncio.run(publication.run(file))
    publication.progress.end()
    click.echo(publication.as_json() if as_json else publication.sentence())
    failure.end(also=publication.problems > 0)


class Publication:
    """One run: counts what happened to the lines."""

    def __init__(self, config: Config, topic: str | None, *, raw: bool = False, strict: bool = False) -> None:
        self.config = config
        self.topic = topic
        self.raw = raw
        self.strict = strict
        self.read = self.published = self.refused = self.failed = 0
        self.listed: list[dict[str, object]] = []
        self.progress = Progress()

    @property
    def problems(self) -> int:
        """Lines that are not stored."""
        return self.refused + self.failed

    async def run(self, file: BinaryIO) -> None:
        """Send every line. Raises ``Unavailable`` when Kafka does not answer, ``Rejected`` for a bad configuration."""
        async with Publisher(self.config.kafka, self.config.topics) as publisher:
            async for number, line in _numbered_lines(file):
                self.read += 1
                try:
                    stored = await self._send(publisher, line)
                except Rejected as refused:
                    self.refused += 1
                    self._problem(number, refused)
                    if self.strict:
                        break
                else:
                    stored.add_done_callback(partial(self._ended, number))
                self.progress.show(self.read)

    async def _send(self, publisher: Publisher, line: bytes) -> asyncio.Future[Delivery]:
        if self.raw:
            return await publisher.send_raw(str(self.topic), None, line)
        event = cloudevents.decode(line, limits=self.config.limits)
        return await publisher.send_raw(self.topic or topic_of(event, self.config.topics), key_of(event), line)

    def _ended(self, number: int, stored: asyncio.Future[Delivery]) -> None:
        error = stored.exception()
        if error is None:
            self.published += 1
        else:
            self.failed += 1
            self._problem(number, error)

    def _problem(self, line: int, error: BaseException) -> None:
        if self.problems <= PROBLEMS_KEPT:
            category = error.category if isinstance(error, Rejected) else "unavailable"
            detail = error.detail if isinstance(error, Rejected) else str(error)
            self.listed.append({"line": line, "category": category, "detail": detail})
            click.echo(f"line {line}: {error}", err=True)
        elif self.problems == PROBLEMS_KEPT + 1:
            click.echo("... and more, which are counted but not listed", err=True)

    def sentence(self) -> str:
        """The summary for people."""
        said = f"{self.published:,} of {self.read:,} events published in {self.progress.seconds:.1f} s"
        if self.refused:
            said += f"; {self.refused:,} are not events and were left out"
        if self.failed:
            said += f"; {self.failed:,} were not stored: send them again"
        return said + "."

    def as_json(self) -> str:
        """The summary for machines."""
        return json.dumps(
            {
                "read": self.read,
                "published": self.published,
                "refused": self.refused,
                "failed": self.failed,
                "seconds": round(self.progress.seconds, 3),
                "problems": self.listed,
            }
        )


async def _numbered_lines(file: BinaryIO) -> AsyncIterator[tuple[int, bytes]]:
    """Lines as they come: reading waits in a thread, so that a slow pipe does not hold back what was already read."""
    number, rest = 0, b""
    read = getattr(file, "read1", file.read)
    while chunk := await asyncio.to_thread(read, READ_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            number += 1
            if line.strip():
                yield number, line.strip()
    if rest.strip():
        yield number + 1, rest.strip()
