"""ClickHouse's Kafka engine with a materialized view, in chDB 26.1: in 26.9 the engine does not start."""

from benchmarks.peers import Contestant
from benchmarks.peers.environment import python


def _command() -> list[str]:
    return [*python("clickhouse_engine"), "-m", f"{__name__}.run"]


CONTESTANTS = (Contestant("ClickHouse's Kafka engine", _command, share=0.5),)
