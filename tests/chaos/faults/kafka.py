"""The only broker: it goes, dies, or is silent."""

import os
import signal
import time
from random import Random

from tests.chaos.scene import Scene


class BrokerRestarted:
    """An orderly end, and a new start."""

    def impossible(self, scene: Scene) -> str:
        return ""

    def strike(self, scene: Scene, random: Random) -> None:
        scene.kafka.stop()
        time.sleep(random.uniform(1, 5))
        scene.kafka.start()


class BrokerKilled:
    """SIGKILL, and a new start: it recovers its logs and the state of producers and groups."""

    def impossible(self, scene: Scene) -> str:
        return ""

    def strike(self, scene: Scene, random: Random) -> None:
        scene.kafka.kill()
        time.sleep(random.uniform(0, 3))
        scene.kafka.start()


class BrokerFrozen:
    """SIGSTOP for longer than a commit waits for its answer: it is carried out afterwards, and nobody was told.

    While rows are being stored, as commits come between them.
    """

    def impossible(self, scene: Scene) -> str:
        return ""

    def strike(self, scene: Scene, random: Random) -> None:
        rows, deadline = scene.rows(), time.monotonic() + 60
        while scene.rows() <= rows and time.monotonic() < deadline:
            time.sleep(0.2)
        with scene.calm:
            os.kill(scene.kafka.pid, signal.SIGSTOP)
            try:
                time.sleep(random.uniform(22, 28))
            finally:
                os.kill(scene.kafka.pid, signal.SIGCONT)
            time.sleep(5)  # for those who ask what became of their commits
