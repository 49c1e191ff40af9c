"""Tenants that share topics and partitions, and nothing else."""

import time
from pathlib import Path

import pytest

from tests.e2e.events import event
from tests.e2e.pipeline import pipeline, publish

MINUTE = 60
QUIET = [f"quiet{number}" for number in range(8)]
"""Enough to live in other partitions of panes than the busy one."""


def done(tenant: str, at: float) -> bytes:
    return event("metric", at, tenant=tenant, service="shop", name="jobs.done", kind="counter", value=1)


@pytest.mark.slow
def test_time_passes_for_a_tenant_though_only_others_send(kafka: str, tmp_path: Path) -> None:
    """While one of them sends without a pause, the windows of the rest close, each with what is its own."""
    start = int(time.time()) // MINUTE * MINUTE - 60 * MINUTE
    with pipeline(tmp_path, kafka, partitions=2) as running:
        running.start()
        topic = running.topics["metrics"]
        publish(kafka, topic, [(1, done(tenant, start + 1)) for tenant in QUIET for _ in range(3)])
        closed = f"SELECT count() FROM windows FINAL WHERE window_seconds = {MINUTE} AND tenant LIKE 'quiet%'"
        deadline, sent = time.monotonic() + 40, 0
        while running.value(closed) != len(QUIET):
            assert time.monotonic() < deadline, running.tail()
            publish(kafka, topic, [(0, done("busy", start + sent))])
            sent += 5
            time.sleep(0.1)

        rows = running.query(f"SELECT tenant, sum FROM windows FINAL WHERE window_seconds = {MINUTE}")
        assert {row["tenant"]: row["sum"] for row in rows if row["tenant"] != "busy"} == dict.fromkeys(QUIET, 3.0)
        running.stop()
