"""Sequences of events on Kafka become verdicts, evidence and alerts, once each, though the worker is killed."""

import time
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError

from tests.e2e.events import event, metric
from tests.e2e.pipeline import Pipeline, pipeline, publish

GUESSED, SPARED, LEAKS = 60, 20, 10
CONTROLS = {"guessed-password-refused": 4, "breach-not-kept-quiet": 2}
"""Policies, and the controls that each speaks for."""

ROWS = (
    "SELECT policy, count() AS rows, uniqExact(control, _topic, _partition, _offset, _incarnation) AS differing"
    " FROM verdicts WHERE policy IN ('guessed-password-refused', 'breach-not-kept-quiet') GROUP BY policy"
)
ENTRIES = (
    "SELECT policy, count() AS entries, uniqExact(JSONExtractRaw(body, 'record')) AS differing FROM evidence FINAL"
    " WHERE kind = 'violation' AND policy IN ('guessed-password-refused', 'breach-not-kept-quiet') GROUP BY policy"
)
POSITIONS = (
    "SELECT count() AS rows FROM verdicts AS v INNER JOIN {table} AS r"
    " USING (_topic, _partition, _offset, _incarnation, event_id) WHERE v.policy = '{policy}' AND {says}"
)


def login(at: float, kind: str, number: int) -> tuple[int, bytes]:
    """Tries of one account are in both partitions."""
    return int(at * 10) % 2, event("security", at, service="sshd", kind=kind, actor=f"user{number}@example.com")


def tries(start: float, seconds: range) -> list[tuple[int, bytes]]:
    """Failed logins: one a second of accounts that are guessed, and all but the fifth of those that are spared."""
    found = [login(start + at + n / 1000, "auth_failure", n) for at in seconds for n in range(GUESSED)]
    spared = range(GUESSED, GUESSED + SPARED)
    return found + [login(start + at + n / 1000, "auth_failure", n) for at in seconds if at != 4 for n in spared]


def breach(at: float, operation: str, number: int) -> tuple[int, bytes]:
    attributes = {"breach_id": f"b{number}"}
    return number % 2, event("processing", at, service="crm", operation=operation, attributes=attributes)


def found(running: Pipeline, sql: str, column: str) -> dict[str, Any]:
    """By policy; nothing while nobody answers."""
    try:
        return {row["policy"]: row[column] for row in running.query(sql)}
    except (ClickHouseError, OSError):
        return {}


def read_again(running: Pipeline) -> None:
    """Wait until all that there was has been read by the worker that has just been started, and is kept."""
    ends = {at: end for at, (_, _, end) in running.committed("panes", "evidence").items()}

    def kept() -> bool:
        return all(offset >= ends[at] for at, (offset, _, _) in running.committed("panes", "evidence").items())

    running.wait(kept, "everything to be kept")


@pytest.mark.slow
def test_each_violation_of_a_sequence_is_there_once_though_the_worker_is_killed(kafka: str, tmp_path: Path) -> None:
    """Rows, entries of the ledger and alerts; also of what did not happen for 72 hours."""
    start = int(time.time()) - 4 * 86_400
    with pipeline(tmp_path, kafka, partitions=2) as running:
        security, processing = running.topics["security"], running.topics["processing"]
        running.start()
        publish(kafka, processing, [breach(start + n, "breach_detected", n) for n in range(LEAKS)])
        publish(kafka, security, tries(start, range(3)))
        running.wait(lambda: bool(running.value("SELECT count() FROM raw_security")), "the first tries")
        running.kill()
        running.start()
        publish(kafka, processing, [breach(start + 86_400 + n, "notify_authority", n) for n in range(0, LEAKS, 2)])
        publish(kafka, security, tries(start, range(3, 5)))
        publish(kafka, security, [login(start + 9 + n / 1000, "auth_success", n) for n in range(GUESSED + SPARED)])
        running.wait(lambda: bool(found(running, ROWS, "rows")), "the first verdicts")
        running.kill()
        running.start()
        now = time.time()
        for topic, kind in ((security, "security"), (processing, "processing")):
            said = {"kind": "other"} if kind == "security" else {"operation": "store"}
            publish(kafka, topic, [(n, event(kind, now, service="shop", **said)) for n in range(2)])
        publish(kafka, running.topics["metrics"], [(n, metric(now, "jobs", 1.0)) for n in range(2)])
        expected = {"guessed-password-refused": GUESSED, "breach-not-kept-quiet": LEAKS // 2}
        rows = {policy: CONTROLS[policy] * events for policy, events in expected.items()}
        running.wait(lambda: found(running, ROWS, "differing") == rows, "all verdicts", 240)
        running.wait(lambda: found(running, ENTRIES, "differing") == expected, "all entries")
        running.kill()
        running.start()
        read_again(running)

        assert found(running, ROWS, "rows") == rows
        assert found(running, ENTRIES, "entries") == expected
        guessed = POSITIONS.format(
            table="raw_security", policy="guessed-password-refused", says="r.kind = 'auth_success'"
        )
        kept_quiet = POSITIONS.format(
            table="raw_processing", policy="breach-not-kept-quiet", says="r.operation = 'breach_detected'"
        )
        assert running.value(guessed) == rows["guessed-password-refused"]
        assert running.value(kept_quiet) == rows["breach-not-kept-quiet"]
        fired = {
            (each["labels"]["policy"], each["labels"]["service"]) for each in running.history("ComplianceViolation")
        }
        assert {("guessed-password-refused", "sshd"), ("breach-not-kept-quiet", "crm")} <= fired
        running.stop()
