"""One run: publish the truth, break things by a seed meanwhile, let everything settle, compare."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from math import ceil
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import Any, NamedTuple

from tests.chaos import sometimes, verify
from tests.chaos.faults import FAR_SIDES, GROUP, KILLS, Fault
from tests.chaos.publisher import Publisher
from tests.chaos.scene import Scene, scene
from tests.chaos.truth import PARTITIONS, TOPICS, Truth
from tests.servers.kafka import KafkaServer

_IDLE_SECONDS = 120.0
"""Without any progress."""

LONG_KILLS = 50
"""A long run goes on until so many workers were killed."""

WORKERS = 3
"""Of the supervisor; a fourth comes and goes."""


class Plan(NamedTuple):
    """What is to be done."""

    seed: int
    seconds: float
    events: int
    is_long: bool

    def truth(self, now: float) -> Truth:
        """Event time passes about twice as fast as the clock on the wall, and has passed long ago."""
        span = max(round(self.seconds * 2 / 300), 1) * 300
        load = ceil(self.events / span / PARTITIONS / 1.1 / 20) * 20
        return Truth(int(now) // 300 * 300 - span - 1800, span, load)


class Track(Thread):
    """Faults one after the other, in a random order, again and again.

    ``awaits_work``: the next one comes when rows have been stored since the last, or it would meet a group that still
    recovers.
    """

    def __init__(
        self, scene: Scene, seed: str, faults: list[Fault], pause: tuple[float, float], awaits_work: bool = False
    ) -> None:
        super().__init__(daemon=True)
        self.awaits_work = awaits_work
        self.scene, self.random, self.pause = scene, Random(seed), pause
        self.faults = [fault for fault in faults if not fault.impossible(scene)]
        self.struck: Counter[str] = Counter()
        self.ended = Event()
        self.failed: BaseException | None = None

    def run(self) -> None:
        try:
            while True:
                for fault in self.random.sample(self.faults, len(self.faults)):
                    rows = self.scene.rows()
                    if self.ended.wait(self.random.uniform(*self.pause)):
                        return
                    self._await_work(rows)
                    began = time.monotonic()
                    with self.scene.calm if self.awaits_work else nullcontext():
                        fault.strike(self.scene, self.random)
                    name = type(fault).__name__
                    self.struck[name] += 1
                    print(f"chaos: {name}, {time.monotonic() - began:.1f} s", flush=True)
        except BaseException as error:
            print(f"chaos: a fault could not be made: {error!r}", flush=True)
            self.failed = error

    def _await_work(self, rows: int) -> None:
        deadline = time.monotonic() + _IDLE_SECONDS
        while self.awaits_work and time.monotonic() < deadline and self.scene.rows() <= rows:
            if self.ended.wait(0.5):
                return

    def end(self) -> None:
        """Wait for the fault that is under way."""
        self.ended.set()
        self.join(600)


def run(plan: Plan, kafka: KafkaServer, directory: Path) -> dict[str, Any]:
    """What happened. AssertionError: the truth is not what came out."""
    truth, began = plan.truth(time.time()), time.monotonic()
    with scene(directory, kafka, WORKERS) as there:
        there.long = plan.is_long
        publisher = Publisher(kafka.bootstrap_servers, there.topics, truth, plan.seconds)
        publisher.first_second()
        _wait(there, there.rows, 1, "rows")
        publisher.start()
        try:
            struck = suffer(there, plan, publisher)
        finally:
            publisher.stop()
        publisher.close()
        broken = time.monotonic() - began
        settle(there, truth)
        told, to_tell = compare(there, truth)
        met, seen = sometimes.met(there.log), sometimes.anomalies(there.log)
        met["the answer to an insert was lost"] = there.proxy.lost
        for anomaly in seen:
            print(f"chaos: the auditor: {anomaly}", flush=True)
        impossible = {
            type(f).__name__: f.impossible(there) for f in [*KILLS, *GROUP, *FAR_SIDES] if f.impossible(there)
        }
        return {
            "seed": plan.seed,
            "seconds": round(broken),
            "seconds_to_catch_up": round(time.monotonic() - began - broken),
            "records": sum(sum(truth.ends(topic)) + PARTITIONS for topic in TOPICS),
            "dead_letters": sum(len(truth.dead(topic, p)) for topic in TOPICS for p in range(PARTITIONS)),
            "windows": len(truth.windows()),
            "transitions": len(truth.transitions()),
            "alerts_told": f"{told} of {to_tell}",
            "partitions": PARTITIONS,
            "workers": f"{WORKERS} to {WORKERS + 1}",
            "sigkills_of_workers": there.kills,
            "faults": dict(struck.most_common()),
            "impossible_here": impossible,
            "anomalies": len(seen),
            "sometimes": dict(met),
            "never_met": [case for case, times in met.items() if not times],
        }


def suffer(there: Scene, plan: Plan, publisher: Publisher) -> Counter[str]:
    """Break things until everything is published; how often what struck."""
    pace = 1.0 if plan.is_long else 0.6
    tracks = [
        Track(there, f"{plan.seed} kills", KILLS, (8 * pace, 20 * pace), awaits_work=True),
        Track(there, f"{plan.seed} group", GROUP, (12 * pace, 30 * pace), awaits_work=True),
        Track(there, f"{plan.seed} far sides", FAR_SIDES, (3 * pace, 8 * pace)),
    ]
    for track in tracks:
        track.start()
    while publisher.is_busy or (plan.is_long and there.kills < LONG_KILLS):
        time.sleep(1)
        if any(track.failed for track in tracks):
            publisher.stop()
            break
    for track in tracks:
        track.end()
    for track in tracks:
        if track.failed is not None:
            raise track.failed
    return sum((track.struck for track in tracks), Counter())


def settle(there: Scene, truth: Truth) -> None:
    """Until as much is stored as there should be, or too much time has passed."""
    expected = sum(sum(truth.ends(topic)) for topic in TOPICS)
    _wait(there, lambda: verify.stored_rows(there), expected, "rows")
    _wait(there, lambda: len(verify.stored_windows(there, truth)), len(truth.windows()), "windows")
    _wait(there, lambda: verify.stored_transitions(there).total(), len(truth.transitions()), "transitions of alerts")


def compare(there: Scene, truth: Truth) -> tuple[int, int]:
    """Everything, exactly."""
    verify.offsets(there, truth)
    verify.verdicts(there, truth)
    verify.windows(there, truth)
    verify.transitions(there, truth)
    return verify.told(there, truth)


def _wait(there: Scene, look: Callable[[], int], expected: int, what: str) -> None:
    """Until there are as many as expected, or for long enough no more have come: the comparison tells what is wrong."""
    found, deadline = 0, time.monotonic() + _IDLE_SECONDS
    while found < expected:
        assert not there.workers.has_ended, "the supervisor has ended"
        before, found = found, look()
        if found > before:
            deadline = time.monotonic() + _IDLE_SECONDS
        elif time.monotonic() > deadline:
            print(f"chaos: {found} of {expected} {what}, and no more are coming", flush=True)
            return
        time.sleep(1)
