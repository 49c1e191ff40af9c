"""Faust as it is: the stream processor that Tidewatch builds upon, without what Tidewatch replaces of it."""

from functools import partial

from benchmarks.peers import Contestant
from benchmarks.peers.environment import python


def _command(module: str) -> list[str]:
    return [*python("faust"), "-m", f"{__name__}.{module}"]


TAKE = Contestant("Faust, take(5000)", partial(_command, "take"), share=0.1)
TABLE = Contestant("Faust, windowed Table", partial(_command, "table"), share=0.05)

CONTESTANTS = (TAKE, TABLE)
