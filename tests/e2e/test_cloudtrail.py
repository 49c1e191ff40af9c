"""Real records of an attack, replayed to a real Kafka: verdicts and evidence are what their own fields imply."""

from pathlib import Path

import pytest

from tests.compliance.test_replay import CHANGES, POLICIES, READS, Trail, called, denied, on_each, records
from tests.e2e.pipeline import Pipeline, pipeline


def stored(running: Pipeline, policy: str, verdict: str) -> dict[str, set[str]]:
    """Event id -> controls, of all rows that a policy has with a verdict."""
    rows = running.query(
        "SELECT event_id, groupUniqArray(concat(framework, ' ', control)) AS controls, count() AS rows FROM verdicts"
        f" WHERE policy = '{policy}' AND verdict = '{verdict}' GROUP BY event_id"
    )
    assert all(row["rows"] == len(row["controls"]) for row in rows), "each verdict is there once for each control"
    return {row["event_id"]: set(row["controls"]) for row in rows}


@on_each
@pytest.mark.slow
def test_what_an_attacker_did_is_found_counted_and_entered_into_the_ledger(
    trail: Trail, kafka: str, tmp_path: Path
) -> None:
    expected = {
        ("call-permitted", "non_compliant"): denied(trail),
        ("unauthorised-access-refused", "compliant"): denied(trail),
        ("sensitive-read-attributable", "compliant"): called(trail, READS, trail.reads),
        ("policy-change-mfa", "not_evaluated"): called(trail, CHANGES, trail.changes),
        **{(policy, "non_compliant"): set() for policy in POLICIES if policy != "call-permitted"},
    }
    with pipeline(tmp_path, kafka) as running:
        running.start()
        assert running.replay(str(trail.file))["published"] == len(records(trail))
        rows = "SELECT count() FROM raw_security"
        running.wait(lambda: running.value(rows) == len(records(trail)), "all records")
        for (policy, verdict), events in expected.items():
            assert stored(running, policy, verdict) == dict.fromkeys(events, POLICIES[policy]), (policy, verdict)

        violations = "SELECT count() FROM (SELECT DISTINCT _partition, _offset, policy FROM verdicts"
        wrong = f"{violations} WHERE verdict = 'non_compliant')"  # those of sequences come when their time has passed
        entries = "SELECT count() FROM evidence FINAL WHERE kind = 'violation'"
        running.wait(lambda: running.value(entries) == running.value(wrong), "all violations in the ledger")
        of_policy = running.query(
            "SELECT policy, count() AS rows,"
            " groupUniqArray(arrayStringConcat(JSONExtract(body, 'controls', 'Array(String)'), ', ')) AS said"
            " FROM evidence FINAL WHERE kind = 'violation' GROUP BY policy"
        )
        found = {row["policy"]: row for row in of_policy}
        assert found["call-permitted"]["rows"] == trail.denied
        assert [set(each.split(", ")) for each in found["call-permitted"]["said"]] == [POLICIES["call-permitted"]]
        running.stop()
