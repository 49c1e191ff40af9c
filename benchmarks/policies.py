"""What judging costs: microseconds of processor time an event, with every shipped policy, at real-world cardinalities.

``python -m benchmarks.policies [--events N]``. The events differ as those of a company do: dozens of services and
purposes, a thousand people, attributes on some. Verdicts about equal facts are remembered, so three figures matter:
facts that were seen before, facts that are all new, and the whole ingest with its rows.
"""

import gc
import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import msgspec

from schemas.config import Limits, Windows
from schemas.events import ProcessingEvent
from schemas.events.processing import Processing
from streams.batch import Partition, RecordBatch
from streams.compliance.judging import Judge
from streams.compliance.shipped import shipped
from streams.ingest.ingest import Ingest

START = datetime(2026, 11, 22, 10, tzinfo=UTC)
NOW_MS = int((START + timedelta(days=1)).timestamp() * 1000)

_CHOICES: dict[str, Sequence[Any]] = {
    "operation": ("read", "write", "export", "share", "delete", "update"),
    "data_categories": (["personal"], ["phi"], ["cardholder"], ["pseudonymous"], ["none"], ["personal", "phi"]),
    "purpose": (*tuple(f"purpose_{number}" for number in range(16)), "treatment", "marketing", "order_delivery", "any"),
    "legal_basis": ("consent", "contract", "legal_obligation", "legitimate_interests", ""),
    "location": ("EU", "DE", "FR", "US", "CH", ""),
    "encrypted": (True, True, True, False, None),
    "retention_days": (30, 365, 2557, 4000, None),
    "consent": (True, True, False, None),
}
_ATTRIBUTES: Sequence[dict[str, str]] = (
    *[{}] * 8,
    {"minimum_necessary": "true"},
    {"transfer_safeguard": "scc", "processor_contract": "true"},
)


def events(number: int, profiles: int, seed: int = 7) -> list[ProcessingEvent]:
    """``number`` events of ``profiles`` kinds of processing; who did it to whom, and when, differs in each."""
    chance = random.Random(seed)
    kinds = [
        {
            **{name: chance.choice(choices) for name, choices in _CHOICES.items()},
            "attributes": chance.choice(_ATTRIBUTES),
        }
        for _ in range(profiles)
    ]
    return [_event(chance, chance.choice(kinds), at) for at in range(number)]


def _event(chance: random.Random, kind: dict[str, Any], at: int) -> ProcessingEvent:
    person = f"person-{chance.randrange(1000)}"
    data = Processing(service=f"service-{chance.randrange(40)}", data_subject=person, actor=f"user-{at % 200}", **kind)
    when = START + timedelta(milliseconds=at)
    return ProcessingEvent(specversion="1.0", id=str(at), source="/bench/1", time=when, data=data)


def fresh() -> Judge:
    """The shipped policies, with nothing remembered."""
    return Judge(shipped().policies)


def microseconds(run: Callable[[], object], number: int, rounds: int) -> float:
    """Of this thread's processor time an event, the best of ``rounds``: what a neighbour takes is not ours."""
    found = []
    for _ in range(rounds):
        begun = time.thread_time()
        run()
        found.append((time.thread_time() - begun) / number * 1e6)
    return min(found)


def _batch(judged: Sequence[ProcessingEvent]) -> RecordBatch:
    values = [msgspec.json.encode(event) for event in judged]
    return RecordBatch(
        Partition("data-processing", 0), range(len(values)), values, None, [NOW_MS] * len(values), len(values)
    )


@click.command()
@click.option("--events", "number", default=50_000, show_default=True, help="How many events.")
@click.option("--profiles", default=2_000, show_default=True, help="How many kinds of processing they are of.")
@click.option("--rounds", default=5, show_default=True, help="How often; the best counts.")
def command(number: int, profiles: int, rounds: int) -> None:
    """Print what judging costs."""
    stream = events(number, profiles)
    judge = fresh()
    verdicts = sum(map(len, map(judge, stream)))
    strangers = events(2_000, 2_000)
    batch = _batch(stream)
    ingest, unjudged = Ingest(Windows(), Limits(), judge), Ingest(Windows(), Limits(), lambda event: ())
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # as the worker does
    steps: list[tuple[str, Callable[[], object], int]] = [
        ("judge, facts seen before", lambda: list(map(judge, stream)), number),
        ("judge, facts never seen", lambda: list(map(fresh(), strangers)), len(strangers)),
        ("ingest, judged by nothing", lambda: unjudged(batch, NOW_MS, "c"), number),
        ("ingest, with verdicts, their rows and series", lambda: ingest(batch, NOW_MS, "c"), number),
    ]
    click.echo(
        f"{len(judge.policies)} policies, {profiles} kinds of processing, {verdicts / number:.1f} verdicts an event"
    )
    click.echo("us an event, events a second")
    for name, run, size in steps:
        took = microseconds(run, size, rounds)
        click.echo(f"{took:8.2f} {1e6 / took:10,.0f}  {name}")


if __name__ == "__main__":
    command()
