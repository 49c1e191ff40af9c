"""What can go wrong: one small class a fault. ``strike`` does it, waits, and leaves everything as it was.

``KILLS`` strike all the time, ``GROUP`` moves partitions about, and ``FAR_SIDES`` breaks what the workers talk to; one
of each may be under way at the same time.
"""

from random import Random
from typing import Protocol

from tests.chaos.faults.clickhouse import Away, DiskFull, Killed, KilledAtRename, LostAnswers, Slow
from tests.chaos.faults.kafka import BrokerFrozen, BrokerKilled, BrokerRestarted
from tests.chaos.faults.surroundings import AlertmanagerAway, ClockJump
from tests.chaos.faults.workers import Frozen, Joining, Leaving, Restless, WorkerKilled, WorkersKilled
from tests.chaos.scene import Scene


class Fault(Protocol):
    """Something that goes wrong for a while."""

    def impossible(self, scene: Scene) -> str:
        """Why it cannot be done on this machine; empty: it can."""

    def strike(self, scene: Scene, random: Random) -> None:
        """Do it, and end it."""


KILLS: list[Fault] = [WorkersKilled(), WorkersKilled(), WorkersKilled(), WorkerKilled()]
GROUP: list[Fault] = [Frozen(), Joining(), Leaving(), Restless()]
FAR_SIDES: list[Fault] = [
    Away(),
    Slow(),
    LostAnswers(),
    Killed(),
    KilledAtRename(),
    DiskFull(),
    BrokerRestarted(),
    BrokerKilled(),
    BrokerFrozen(),
    AlertmanagerAway(),
    ClockJump(),
]
