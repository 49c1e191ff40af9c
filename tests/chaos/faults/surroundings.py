"""What is around: Alertmanager, and the clocks of the machines."""

import time
from random import Random

from tests.chaos.scene import Scene


class AlertmanagerAway:
    """Nobody listens where alerts are told."""

    def impossible(self, scene: Scene) -> str:
        return ""

    def strike(self, scene: Scene, random: Random) -> None:
        scene.alerts(False)
        time.sleep(random.uniform(5, 12))
        scene.alerts(True)


class ClockJump:
    """The workers' clocks are set ahead or back by up to two minutes, and later right again: two jumps."""

    def impossible(self, scene: Scene) -> str:
        return ""

    def strike(self, scene: Scene, random: Random) -> None:
        scene.set_clock(random.choice((-1, 1)) * random.randint(30, 120))
        time.sleep(random.uniform(5, 10))
        scene.set_clock(0)
