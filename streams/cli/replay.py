"""``tidewatch replay``: send data sets in their own formats, at their own pace."""

import asyncio
import heapq
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from operator import attrgetter
from pathlib import Path

import click
import msgspec

import sources
from schemas.config import Topics
from schemas.events import Event
from sinks.kafka import Publisher
from streams.cli._publishing import Progress, failing, kafka_options, settings
from streams.pacing import moved, paced, shift_to_now


class Speed(click.ParamType):
    """``60x`` or ``60``: an hour of data in a minute; ``max``: as fast as it goes."""

    name = "speed"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        try:
            speed = math.inf if value == "max" else float(str(value).removesuffix("x"))
        except ValueError:
            speed = math.nan
        if not speed > 0:
            self.fail(f"{value} is no speed; write for example 60x, 0.5x or max", param, ctx)
        return speed


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--format", "name", default="auto", show_default=True, help=f"One of {', '.join(sources.formats())}; of all FILES."
)
@click.option("--speed", type=Speed(), default="1x", show_default=True, help="60x: an hour in a minute; or max.")
@click.option("--shift-to-now", is_flag=True, help="Move event times to now, by whole minutes; see above.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many events.")
@click.option("--year", type=int, default=2017, show_default=True, help="For logs that do not write the year.")
@click.option("--service", help="Instead of the events' own service.")
@click.option("--tenant", help="Instead of the events' own tenant.")
@click.option("--topic-prefix", default="", help="Put before the names of the topics.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as a JSON object.")
@kafka_options
def command(
    files: tuple[Path, ...],
    name: str,
    speed: float,
    shift_to_now: bool,
    limit: int | None,
    year: int,
    service: str | None,
    tenant: str | None,
    topic_prefix: str,
    as_json: bool,
    path: str | None,
    bootstrap_servers: str | None,
) -> None:
    """Publish the events of data sets, merged by time and paced by it.

    With --shift-to-now no event is ahead of the clock when it is sent, and the replay lies as late as that allows: up
    to speed 1x the first event is now, above it the last one is (and the first as long ago as the data last).
    """
    config = settings(path, bootstrap_servers)
    topics = Topics(**{field: topic_prefix + topic for field, topic in msgspec.structs.asdict(config.topics).items()})
    replay = Replay(speed, service, tenant)
    with failing() as failure:
        read = _reader(files, name, year, limit)
        if shift_to_now:
            replay.shift_to_now(read(), time.time())
        asyncio.run(replay.run(read(), Publisher(config.kafka, topics)))
    replay.progress.end()
    click.echo(replay.as_json() if as_json else replay.sentence())
    failure.end()


class Replay:
    """One run: sends events when they are due, and keeps what the summary tells."""

    def __init__(self, speed: float, service: str | None = None, tenant: str | None = None) -> None:
        self.speed = speed
        self.service = service
        self.tenant = tenant
        self.shift = 0.0
        self.published = 0
        self.by_type: dict[str, int] = {}
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.progress = Progress()

    def shift_to_now(self, events: Iterable[Event], start: float) -> None:
        """Look through the events once for their earliest and latest time, and set the shift."""
        times = [event.time.timestamp() for event in events]
        if times:
            self.shift = shift_to_now(min(times), max(times), self.speed, start)

    async def run(self, events: Iterable[Event], publisher: Publisher) -> None:
        """Raises ``Unavailable`` when Kafka does not answer, ``Rejected`` for a file that is not of its format."""
        async with publisher:
            for due, event in paced(events, self.speed, time.monotonic()):
                wait = due - time.monotonic()
                if wait > 0:
                    await asyncio.sleep(wait)
                await self._send(publisher, moved(event, self.shift, self.service, self.tenant))

    async def _send(self, publisher: Publisher, event: Event) -> None:
        await publisher.send(event)
        self.published += 1
        kind = str(event.__struct_config__.tag)
        self.by_type[kind] = self.by_type.get(kind, 0) + 1
        self.first = min(self.first or event.time, event.time)
        self.last = max(self.last or event.time, event.time)
        self.progress.show(self.published, f", at {_text(event.time)}")

    def sentence(self) -> str:
        """The summary for people."""
        if self.first is None or self.last is None:
            return "No event was published."
        return (
            f"{self.published:,} events published in {self.progress.seconds:.1f} s, "
            f"with times from {_text(self.first)} to {_text(self.last)}."
        )

    def as_json(self) -> str:
        """The summary for machines; times as sent."""
        return json.dumps(
            {
                "published": self.published,
                "by_type": self.by_type,
                "first_time": _text(self.first),
                "last_time": _text(self.last),
                "shifted_seconds": self.shift,
                "seconds": round(self.progress.seconds, 3),
            }
        )


def _reader(files: tuple[Path, ...], name: str, year: int, limit: int | None) -> Callable[[], Iterator[Event]]:
    """Reads the files from the beginning at each call, merged by time."""
    known = sources.formats()
    if name != "auto" and name not in known:
        raise click.BadParameter(f"{name} is no format; one of auto, {', '.join(known)}", param_hint="--format")
    formats = [known[name] if name != "auto" else sources.recognise(file) for file in files]

    def read() -> Iterator[Event]:
        each = [sources.read(file, source, year) for file, source in zip(files, formats, strict=True)]
        return islice(heapq.merge(*each, key=attrgetter("time")), limit)

    return read


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
