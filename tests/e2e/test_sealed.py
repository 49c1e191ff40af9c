"""Workers that share the work and are killed: every row is there once, and every ciphertext has its key."""

import time
from pathlib import Path

import pytest

from tests.e2e.events import event
from tests.e2e.pipeline import pipeline, publish

EVENTS, PERSONS, PARTITIONS = 6_000, 700, 4


def read_of(at: float, person: str) -> bytes:
    """Somebody's data were read."""
    return event("processing", at, service="s", operation="read", data_subject=person)


@pytest.mark.slow
def test_two_workers_that_are_killed_seal_every_row_under_a_key_that_is_kept(kafka: str, tmp_path: Path) -> None:
    now = time.time() - 60
    with pipeline(tmp_path, kafka, partitions=PARTITIONS, workers=2) as running:
        running.start()
        for third in range(3):
            numbers = range(third * EVENTS // 3, (third + 1) * EVENTS // 3)
            told = [(n % PARTITIONS, read_of(now, f"person-{n % PERSONS}")) for n in numbers]
            publish(kafka, running.topics["processing"], told)
            if third < 2:
                running.wait(lambda: bool(running.value("SELECT count() FROM subject_keys WHERE person != ''")), "keys")
                running.kill()
                running.start()
        running.wait(lambda: running.value("SELECT count() FROM raw_processing") == EVENTS, "all rows", 120)

        assert running.value("SELECT uniqExact(_partition, _offset) FROM raw_processing") == EVENTS
        assert running.value("SELECT uniqExact(data_subject) FROM raw_processing") == PERSONS
        keyless = (
            "SELECT count() FROM raw_processing WHERE (data_subject, splitByChar('.', sealed['data_subject'])[2])"
            " NOT IN (SELECT person, key_id FROM subject_keys)"
        )
        assert running.value(keyless) == 0
        running.stop()
