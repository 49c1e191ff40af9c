"""Scores by control: from verdicts, from attestations that hold, and from those that have expired."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.tables import COLUMNS
from sinks.clickhouse import ClickHouse
from streams.evidence.chain import EntryRow
from tests.api.stored import database, insert
from tests.evidence.ledgers import act, taken

DAY_MS = 86_400_000
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
TODAY_MS = int(TODAY.timestamp() * 1000)


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """Verdicts of today, and a control that was attested to three days ago, for two days."""
    directory: Path = tmp_path_factory.mktemp("scores")
    made = database(directory)
    verdict = {"tenant": "acme", "time": TODAY_MS, "framework": "gdpr", "control": "art-32", "policy": "encrypted"}
    wrong = {**verdict, "verdict": "non_compliant"}
    insert(
        made,
        "verdicts",
        [
            *[{**verdict, "verdict": "compliant", "_offset": 1}] * 2,  # the same row, stored twice
            {**verdict, "verdict": "compliant", "_offset": 2},
            {**verdict, "verdict": "not_evaluated", "_offset": 3},
            *({**wrong, "reason": "sent in the clear", "_offset": offset} for offset in (4, 5)),
            {**wrong, "reason": "stored in the clear", "_offset": 6},
            {**wrong, "reason": "stored in the clear", "_offset": 7, "service": "crm"},
        ],
    )
    since_ms = TODAY_MS - 3 * DAY_MS + 1
    said = {"framework": "soc2", "control": "CC1.1", "statement": "trained", "evidence": ["https://wiki/training"]}
    holds = {**said, "control": "CC1.2"}
    rows, _ = taken(
        [
            (act("acme", **said, until=since_ms + 2 * DAY_MS), since_ms),
            (act("acme", **holds, until=since_ms + DAY_MS), since_ms + 1),
            (act("acme", **holds, until=TODAY_MS + 400 * DAY_MS), since_ms + 2),
        ]
    )
    entries = [row for row in rows if isinstance(row, EntryRow)]
    made.insert("evidence", dict(zip(COLUMNS["evidence"], zip(*entries, strict=True), strict=True)), "entries")
    yield made
    made.close()


def test_each_control_and_service_has_its_hourly_score_and_worst_reasons(sink: ClickHouse) -> None:
    got = sink.query("SELECT * FROM compliance_control_scores ORDER BY service")
    assert [(row["service"], row["evaluated"], row["violations"], row["not_evaluated"]) for row in got] == [
        ("crm", 1, 1, 0),
        ("shop", 5, 3, 1),
    ]
    assert got[1]["score_percent"] == 40.0
    assert got[1]["worst_reasons"] == ["sent in the clear", "stored in the clear"]
    assert got[1]["hour"] == TODAY


def test_the_latest_attestation_of_a_control_counts(sink: ClickHouse) -> None:
    got = sink.query("SELECT control, author, evidence, is_expired FROM attestations WHERE is_latest ORDER BY control")
    assert got == [
        {"control": "CC1.1", "author": "ann", "evidence": ["https://wiki/training"], "is_expired": True},
        {"control": "CC1.2", "author": "ann", "evidence": ["https://wiki/training"], "is_expired": False},
    ]


def test_an_expired_attestation_is_a_violation_of_each_day_on_which_nobody_renewed_it(sink: ClickHouse) -> None:
    got = sink.query("SELECT * FROM compliance_days WHERE source = 'attestation' ORDER BY control, day")
    days = [(TODAY - timedelta(days=back)).date() for back in (3, 2, 1, 0)]
    assert [(row["control"], row["day"], row["compliant"], row["violations"]) for row in got] == [
        *(("CC1.1", day, *held) for day, held in zip(days, ((1, 0), (1, 0), (0, 1), (0, 1)), strict=True)),
        *(("CC1.2", day, 1, 0) for day in days),
    ]
    assert {row["score_percent"] for row in got if row["violations"]} == {0.0}


def test_days_and_months_add_up_events(sink: ClickHouse) -> None:
    [day] = sink.query("SELECT * FROM compliance_days WHERE source = 'events'")
    [month] = sink.query("SELECT * FROM compliance_months WHERE source = 'events'")
    assert (day["day"], day["evaluated"], day["compliant"], day["not_evaluated"]) == (TODAY.date(), 6, 2, 1)
    assert (month["month"], month["evaluated"], month["score_percent"]) == (TODAY.date().replace(day=1), 6, 100 / 3)
