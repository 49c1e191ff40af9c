"""Apache Flink: its local cluster (one slot), state on the heap, checkpoints every ten seconds.

Figures are of a second job in the same process, after a first one for the just-in-time compiler.
"""

from benchmarks.peers import Contestant
from benchmarks.peers.maven import java


def _command() -> list[str]:
    parallelism = "1"
    return [*java("flink", "-XX:+UseSerialGC", "-Xmx1g"), parallelism]


CONTESTANTS = (Contestant("Apache Flink", _command),)
