"""One run: publish the truth, break things by a seed meanwhile, let everything settle, compare."""

import time
from collections import Counter
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
        load = round(self.events / span / PARTITIONS / 1.1)
        return Truth(int(now) // 300 * 300 - span - 1800, span, load // 20 * 20)


class Track(Thread):
    """Faults one after the other. Those that must all have their turn come in a random order, again and again."""

    def __init__(self, scene: Scene, seed: str, faults: list[Fault], pause: tuple[float, float]) -> None:
        super().__init__(daemon=True)
        self.scene, self.random, self.pause = scene, Random(seed), pause
        self.faults = [fault for fault in faults if not fault.impossible(scene)]
        self.struck: Counter[str] = Counter()
        self.ended = Event()
        self.failed: BaseException | None = None

    def run(self) -> None:
        try:
            while True:
                for fault in self.random.sample(self.faults, len(self.faults)):
                    if self.ended.wait(self.random.uniform(*self.pause)):
                        return
                    began = time.monotonic()
                    fault.strike(self.scene, self.random)
                    name = type(fault).__name__
                    self.struck[name] += 1
                    print(f"chaos: {name}, {time.monotonic() - began:.1f} s", flush=True)
        except BaseException as error:
            print(f"chaos: a fault could not be made: {error!r}", flush=True)
            self.failed = error

    def end(self) -> None:
        """Wait for the fault that is under way."""
        self.ended.set()
        self.join(180)
        if self.failed is not None:
            raise self.failed


def run(plan: Plan, kafka: KafkaServer, directory: Path) -> dict[str, Any]:
    """What happened. AssertionError: the truth is not what came out."""
    truth, began = plan.truth(time.time()), time.monotonic()
    with scene(directory, kafka, WORKERS) as there:
        there.long = plan.is_long
        publisher = Publisher(kafka.bootstrap_servers, there.topics, truth, plan.seconds)
        publisher.first_second()
        _wait(there, lambda: bool(there.value("SELECT count() FROM raw_metrics")), "the first rows", 60)
        publisher.start()
        try:
            struck = suffer(there, plan, publisher)
        finally:
            publisher.stop()
        publisher.close()
        broken = time.monotonic() - began
        settle(there, truth)
        told, to_tell = compare(there, truth)
        seen = sometimes.anomalies(there.log)
        assert not seen, f"the auditor saw {len(seen)} anomalies, such as: {seen[0]}"
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
            "answers_lost": there.proxy.lost,
            "faults": dict(struck.most_common()),
            "impossible_here": impossible,
            "sometimes": dict(sometimes.met(there.log)),
        }


def suffer(there: Scene, plan: Plan, publisher: Publisher) -> Counter[str]:
    """Break things until everything is published; how often what struck."""
    pace = 1.0 if plan.is_long else 0.6
    tracks = [
        Track(there, f"{plan.seed} kills", KILLS, (14 * pace, 32 * pace)),
        Track(there, f"{plan.seed} group", GROUP, (20 * pace, 45 * pace)),
        Track(there, f"{plan.seed} far sides", FAR_SIDES, (3 * pace, 8 * pace)),
    ]
    for track in tracks:
        track.start()
    publisher.finish()
    while plan.is_long and there.kills < LONG_KILLS:
        time.sleep(1)
    for track in tracks:
        track.end()
    return sum((track.struck for track in tracks), Counter())


def settle(there: Scene, truth: Truth) -> None:
    """Until as much is stored as there should be, or too much time has passed."""
    _wait(there, lambda: verify.all_there(there, truth), "all rows", 300)
    last = truth.windows().keys()
    _wait(there, lambda: verify.stored_windows(there, truth).keys() >= last, "all windows", 120)
    _wait(there, lambda: verify.stored_transitions(there).total() >= len(truth.transitions()), "all alerts", 120)


def compare(there: Scene, truth: Truth) -> tuple[int, int]:
    """Everything, exactly."""
    verify.offsets(there, truth)
    verify.verdicts(there, truth)
    verify.windows(there, truth)
    verify.transitions(there, truth)
    return verify.told(there, truth)


def _wait(there: Scene, condition: Any, what: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert not there.workers.has_ended, "the supervisor has ended"
        if time.monotonic() > deadline:
            print(f"chaos: waited {seconds:.0f} s for {what}", flush=True)
            return
        time.sleep(1)
