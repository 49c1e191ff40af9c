"""How time and memory of a worker grow along each dimension of its load, on one real Apache Kafka.

Every point is a group of workers that processes a topic of its own; the points take turns, and what comes out is
counted. Prints a table and writes ``benchmarks/results/scale-DATE.json``; what it says is told in docs/performance.md.
"""

import argparse
import datetime
import sys
import tempfile
from pathlib import Path

import msgspec

from benchmarks import machine, report
from benchmarks.scale.axes import AXES
from benchmarks.scale.group import Failed, measure
from benchmarks.scale.load import Load, fill
from benchmarks.scale.results import Point, Scale, table
from tests.servers.kafka import KafkaServer


def measured(axes: list[str], rounds: int, share: float) -> Scale:
    """Measure; ``share`` of the events of each load."""
    found: dict[str, dict[str, list[Point]]] = {axis: {place: [] for place in AXES[axis]} for axis in axes}
    filled: dict[Load, tuple[str, float]] = {}
    with tempfile.TemporaryDirectory() as name, KafkaServer(Path(name) / "kafka", heap="1g") as kafka:
        for number in range(rounds):
            for axis in axes:
                for place, whole in AXES[axis].items():
                    load = msgspec.structs.replace(whole, events=max(round(whole.events * share), whole.series))
                    sent = msgspec.structs.replace(load, workers=1)
                    if sent not in filled:
                        topic = f"load-{len(filled)}"
                        filled[sent] = topic, fill(kafka.bootstrap_servers, topic, sent)
                    group = f"{axis}-{place}-{number}".replace(" ", "-").replace(",", "")
                    try:
                        point = measure(kafka.bootstrap_servers, *filled[sent][:1], load, filled[sent][1], group)
                    except Failed as failure:
                        sys.exit(f"{axis} {place}: {failure}")
                    found[axis][place].append(point)
                    _say(f"{axis} {place}: {point.cpu_us:.1f} µs an event, {point.grown_bytes / 2**20:,.0f} MB")
    return Scale(datetime.date.today().isoformat(), machine.this(), found)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="make bench-scale", description=__doc__)
    parser.add_argument("--axis", action="append", choices=list(AXES), help="only this one; may be repeated")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--share", type=float, default=1.0, help="of the events of each load, to try things")
    given = parser.parse_args()
    scale = measured(given.axis or list(AXES), given.rounds, given.share)
    print(table(scale))
    if not given.axis and given.share == 1.0:
        report.RESULTS.mkdir(exist_ok=True)
        path = report.RESULTS / f"scale-{scale.date}.json"
        path.write_bytes(msgspec.json.format(msgspec.json.encode(scale)))
        print(f"\nwritten to {path.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
