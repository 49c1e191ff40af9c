"""Pathway: tables that are updated, in Python on a Rust engine derived from Differential Dataflow."""

from benchmarks.peers import Contestant
from benchmarks.peers.environment import python


def _command() -> list[str]:
    return [*python("pathway"), "-m", f"{__name__}.run"]


CONTESTANTS = (Contestant("Pathway, closed windows", _command, share=0.5),)
