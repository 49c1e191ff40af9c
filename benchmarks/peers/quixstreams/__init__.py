"""Quix Streams: windows in RocksDB, with a changelog, for applications in Python on confluent-kafka."""

from benchmarks.peers import Contestant
from benchmarks.peers.environment import python


def _command() -> list[str]:
    return [*python("quixstreams"), "-m", f"{__name__}.run"]


CONTESTANTS = (Contestant("Quix Streams", _command, share=0.2),)
