"""ClickHouse is away, slow, full, dead, or does what it is told and nobody learns of it."""

import os
import shutil
import subprocess
import time
from random import Random

from sinks.chdb_directory import KEPT_FREE_BYTES
from tests.chaos.scene import Scene


class Away:
    """Connections are refused, and those that are open break."""

    def impossible(self, scene: Scene) -> str:
        return ""

    def strike(self, scene: Scene, random: Random) -> None:
        scene.proxy.away(True)
        time.sleep(60 if scene.long else 8)
        scene.proxy.away(False)


class Slow:
    """Every answer is late, so that workers are hit in the middle of inserts."""

    def impossible(self, scene: Scene) -> str:
        return ""

    def strike(self, scene: Scene, random: Random) -> None:
        scene.proxy.delay = random.uniform(0.5, 2.5)
        time.sleep(20 if scene.long else 10)
        scene.proxy.delay = 0.0


class LostAnswers:
    """Inserts succeed, and the connection breaks before the answer; at least one does, as workers may be recovering."""

    def impossible(self, scene: Scene) -> str:
        return ""

    def strike(self, scene: Scene, random: Random) -> None:
        lost, deadline = scene.proxy.lost, time.monotonic() + 30
        scene.proxy.lose = True
        time.sleep(random.uniform(2, 5))
        while scene.proxy.lost == lost and time.monotonic() < deadline:
            time.sleep(0.1)
        scene.proxy.lose = False


class Killed:
    """SIGKILL in the middle of whatever it does, and a new start."""

    def impossible(self, scene: Scene) -> str:
        return ""

    def strike(self, scene: Scene, random: Random) -> None:
        scene.clickhouse.kill()
        time.sleep(random.uniform(0, 3))
        scene.clickhouse.start()


class KilledAtRename:
    """SIGKILL after a token is logged and before its part is in place: at the system call that would put it there."""

    def impossible(self, scene: Scene) -> str:
        return "" if shutil.which("strace") else "strace is not installed"

    def strike(self, scene: Scene, random: Random) -> None:
        calls = "rename,renameat,renameat2"
        command = ["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(scene.clickhouse.pid)]
        with subprocess.Popen(
            [*command, "-e", f"trace={calls}", "-e", f"inject={calls}:signal=SIGKILL:when=1"]
        ) as tool:
            deadline = time.monotonic() + 20
            while not scene.clickhouse.has_ended and tool.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            tool.terminate()
        if scene.clickhouse.has_ended:
            scene.clickhouse.start()


class DiskFull:
    """The disk of ClickHouse's data is nearly full: rows are refused, and what has been begun fits.

    When the last byte goes, the engine loses rows that it has taken: see the assumptions in docs/exactly-once.md.
    """

    def impossible(self, scene: Scene) -> str:
        return "" if scene.disk else "only root may mount a disk that is small enough to be filled"

    def strike(self, scene: Scene, random: Random) -> None:
        assert scene.disk is not None
        ballast = scene.disk / "ballast"
        with ballast.open("wb") as file:
            left = round(KEPT_FREE_BYTES * random.uniform(0.7, 0.95))
            os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(scene.disk).free - left)
        time.sleep(random.uniform(4, 8))
        ballast.unlink()
