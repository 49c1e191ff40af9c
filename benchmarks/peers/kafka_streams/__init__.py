"""Kafka Streams: one instance, one stream thread, at least once (the default), stores in memory with a changelog.

Its DSL writes a changelog record an event, as it has no cache in front of windows that are let out when they close.
The Processor API has one, and so is the faster.
Figures are of a second pass in the same process, after a first one for the just-in-time compiler.
"""

from functools import partial

from benchmarks.peers import Contestant
from benchmarks.peers.maven import java


def _command(variant: str) -> list[str]:
    return [*java("kafka_streams", "-XX:+UseSerialGC", "-Xmx1g"), variant]


CONTESTANTS = (
    Contestant("Kafka Streams, Processor API", partial(_command, "processor")),
    Contestant("Kafka Streams, DSL", partial(_command, "dsl"), share=0.5),
)
