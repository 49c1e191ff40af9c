"""What can go wrong, each with a name; the worker that it happens to is a process of the supervisor's."""

import os
import signal
import time
from random import Random
from typing import NamedTuple

from tests.e2e.pipeline import Pipeline
from tests.e2e.test_workers import children
from tests.servers.kafka import KafkaServer

SESSION = 6.0
"""Of the workers, as the pipeline configures it."""


class Scene(NamedTuple):
    """Everything that can be broken."""

    running: Pipeline
    kafka: KafkaServer
    random: Random

    def worker(self) -> int | None:
        """The process id of one worker, if any is up."""
        assert self.running.process is not None
        up = children(self.running.process.pid)
        return self.random.choice(up) if up else None


def kill(scene: Scene) -> None:
    """SIGKILL."""
    _signal(scene.worker(), signal.SIGKILL)


def restart(scene: Scene) -> None:
    """SIGTERM: a clean stop, and the supervisor starts another."""
    _signal(scene.worker(), signal.SIGTERM)


def freeze(scene: Scene) -> None:
    """SIGSTOP for longer than the session, then SIGCONT: a zombie."""
    worker = scene.worker()
    _signal(worker, signal.SIGSTOP)
    time.sleep(SESSION * 1.5)
    _signal(worker, signal.SIGCONT)


def restart_broker(scene: Scene) -> None:
    """An orderly end of the only broker, and a new start."""
    scene.kafka.stop()
    time.sleep(2)
    scene.kafka.start()


FAULTS = [kill, restart, freeze, restart_broker]


def _signal(process: int | None, number: int) -> None:
    if process is not None:
        try:
            os.kill(process, number)
        except ProcessLookupError:
            return
