"""Bytewax: dataflows in Python on Timely Dataflow, in Rust."""

from benchmarks.peers import Contestant
from benchmarks.peers.environment import python


def _command() -> list[str]:
    return [*python("bytewax"), "-m", f"{__name__}.run"]


CONTESTANTS = (Contestant("Bytewax", _command),)
