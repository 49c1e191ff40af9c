"""What one writes without a stream processor: a loop around a Kafka client, msgspec, and dictionaries."""

from functools import partial

from benchmarks.peers import Contestant
from benchmarks.peers.environment import python


def _command(module: str) -> list[str]:
    return [*python("by_hand"), "-m", f"{__name__}.{module}"]


CONTESTANTS = (
    Contestant("aiokafka, by hand", partial(_command, "aiokafka_loop")),
    Contestant("confluent-kafka, by hand", partial(_command, "confluent_loop")),
)
