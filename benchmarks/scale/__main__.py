"""How time and memory of a worker grow along each dimension of its load, on one real Apache Kafka.

Every point is a group of workers that processes a topic of its own; the points take turns, and what comes out is
counted. Prints a table and writes ``benchmarks/results/scale-DATE.json``; what it says is told in docs/performance.md.
"""

import argparse
import datetime
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec.structs import replace

from benchmarks import machine, report
from benchmarks.scale.axes import AXES
from benchmarks.scale.group import Failed, measure
from benchmarks.scale.load import Load, fill
from benchmarks.scale.results import Point, Scale, table
from tests.servers.kafka import KafkaServer


def measured(axes: Mapping[str, Mapping[str, Load]], rounds: int) -> Scale:
    """Measure every load in turn; one that fails is reported and left out."""
    found: dict[Load, list[Point]] = {load: [] for places in axes.values() for load in places.values()}
    filled: dict[Load, tuple[str, float]] = {}
    with tempfile.TemporaryDirectory() as name, KafkaServer(Path(name) / "kafka", heap="1g") as kafka:
        for number in range(rounds):
            for at, load in enumerate(found):
                sent = replace(load, workers=1)
                if sent not in filled:
                    topic = f"load-{len(filled)}"
                    filled[sent] = topic, fill(kafka.bootstrap_servers, topic, sent)
                topic, event_bytes = filled[sent]
                try:
                    point = measure(kafka.bootstrap_servers, topic, load, event_bytes, f"group-{at}-{number}")
                except Failed as failure:
                    _say(f"{load}: {failure}")
                    continue
                found[load].append(point)
                _say(f"{load}: {point.cpu_us:.1f} µs an event, {point.grown_bytes / 2**20:,.0f} MB")
    by_axis = {axis: {place: found[load] for place, load in places.items()} for axis, places in axes.items()}
    return Scale(datetime.date.today().isoformat(), machine.this(), by_axis)


def _some(places: Mapping[str, Load], share: float) -> dict[str, Load]:
    """With fewer events, but one of each series at least."""
    return {at: replace(load, events=max(round(load.events * share), load.series)) for at, load in places.items()}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="make bench-scale", description=__doc__)
    parser.add_argument("--axis", action="append", choices=list(AXES), help="only this one; may be repeated")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--share", type=float, default=1.0, help="of the events of each load, to try things")
    given = parser.parse_args()
    axes = {axis: AXES[axis] for axis in given.axis or AXES}
    scale = measured({axis: _some(places, given.share) for axis, places in axes.items()}, given.rounds)
    print(table(scale))
    if not given.axis and given.share == 1.0:
        report.RESULTS.mkdir(exist_ok=True)
        path = report.RESULTS / f"scale-{scale.date}.json"
        path.write_bytes(msgspec.json.format(msgspec.json.encode(scale)))
        print(f"\nwritten to {path.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
