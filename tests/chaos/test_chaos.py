"""Workers and all around them are broken again and again; at the end all is there once, and every sum is right."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import randrange

import pytest

from tests.chaos.run import Plan, run
from tests.servers.kafka import KafkaServer

LONG_SECONDS, LONG_EVENTS = 610.0, 10_000_000


@pytest.fixture
def plan(pytestconfig: pytest.Config) -> Plan:
    seed = pytestconfig.getoption("--seed", None)
    seed = randrange(2**16) if seed is None else seed
    if pytestconfig.getoption("--long", False):
        return Plan(seed, LONG_SECONDS, LONG_EVENTS, True)
    seconds, events = pytestconfig.getoption("--seconds", 75), pytestconfig.getoption("--events", 1_000_000)
    return Plan(seed, seconds, events, False)


@pytest.mark.slow
def test_everything_is_there_once_whatever_was_broken(
    start_kafka: Callable[..., KafkaServer], tmp_path: Path, pytestconfig: pytest.Config, plan: Plan
) -> None:
    """Raw rows are the published less the dead letters, offsets without gap or double; window sums and alerts equal."""
    print(f"\nchaos: {plan}; again: make chaos{'' if plan.is_long else '-short'} ARGS='--seed {plan.seed}'", flush=True)
    try:
        kafka = start_kafka(heap="768m", settings={"broker.session.timeout.ms": "9000"}, patience_s=300.0)
        result = run(plan, kafka, tmp_path / "chaos")
    finally:
        shutil.copy(tmp_path / "chaos" / "workers.log", Path(pytestconfig.rootpath) / ".cache" / "chaos-workers.log")
    print(json.dumps(result, indent=1), flush=True)
    if pytestconfig.getoption("--result", None):
        Path(pytestconfig.getoption("--result")).write_text(json.dumps(result, indent=1) + "\n")
    assert not result["anomalies"], "the auditor saw something, printed above"
    print(f"chaos: exact; never met, and so not proven by this run: {', '.join(result['never_met']) or 'nothing'}")
