"""Workers that die, freeze, come and go."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from random import Random

from tests.chaos.scene import SESSION, Scene


class WorkerKilled:
    """SIGKILL."""

    def impossible(self, scene: Scene) -> str:
        return ""

    def strike(self, scene: Scene, random: Random) -> None:
        pids = scene.worker_pids()
        scene.kills += _signal(random.choice(pids), signal.SIGKILL) if pids else 0


class WorkersKilled:
    """SIGKILL to all at the same time, as when a machine fails."""

    def impossible(self, scene: Scene) -> str:
        return ""

    def strike(self, scene: Scene, random: Random) -> None:
        scene.kills += sum(_signal(pid, signal.SIGKILL) for pid in scene.worker_pids())


class Frozen:
    """SIGSTOP for longer than the session, then SIGCONT: a zombie."""

    def impossible(self, scene: Scene) -> str:
        return ""

    def strike(self, scene: Scene, random: Random) -> None:
        pids = scene.worker_pids()
        if pids:
            pid = random.choice(pids)
            _signal(pid, signal.SIGSTOP)
            time.sleep(SESSION * random.uniform(1.2, 2))
            _signal(pid, signal.SIGCONT)


class Leaving:
    """SIGTERM: a clean stop, and the supervisor starts another."""

    def impossible(self, scene: Scene) -> str:
        return ""

    def strike(self, scene: Scene, random: Random) -> None:
        pids = scene.worker_pids()
        if pids:
            _signal(random.choice(pids), signal.SIGTERM)


class Joining:
    """One worker more for a while; then it leaves, or dies."""

    def impossible(self, scene: Scene) -> str:
        return ""

    def strike(self, scene: Scene, random: Random) -> None:
        process = scene.join()
        try:
            time.sleep(random.uniform(6, 12))
        finally:
            if random.random() < 0.5:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(60)  # as patient as the supervisor is
            if process.poll() is None:
                process.kill()
                scene.kills += 1
            process.wait()


class Restless:
    """Rebalances without a pause: the group has not settled before the next member leaves or is silent."""

    def impossible(self, scene: Scene) -> str:
        return ""

    def strike(self, scene: Scene, random: Random) -> None:
        for _ in range(4):
            pids = scene.worker_pids()
            if pids:
                number = random.choice((signal.SIGTERM, signal.SIGKILL))
                scene.kills += _signal(random.choice(pids), number) and number == signal.SIGKILL
            time.sleep(random.uniform(0.5, 2))


def _signal(pid: int, number: signal.Signals) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False
