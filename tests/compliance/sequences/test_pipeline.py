"""From records of events to violations: ingest marks, the shard of the tenant matches; nobody's name is on the way."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import cloudevents
from schemas.config import Limits, Windows
from schemas.sla import Sla
from streams.batch import Partition, RecordBatch
from streams.compliance import judge
from streams.compliance.judging import Judge, compile_policies
from streams.compliance.reading import read_policy
from streams.compliance.sequences.board import SequenceSettings, SequenceViolation
from streams.compliance.sequences.inline import violating
from streams.compliance.sequences.marking import Marker
from streams.compliance.sequences.policy import SequenceTest
from streams.config.files import load_rules
from streams.ingest.ingest import Ingest
from streams.privacy.protection import Protection
from streams.privacy.pseudonyms import Pseudonyms
from streams.privacy.rules import Classes
from streams.rules.engine import RuleEngine
from streams.windows import deltas
from streams.windows.deltas import Pulse, Record
from streams.windows.shard import Shard
from streams.windows.tenant import Settings, Tenant
from streams.windows.versions import decode
from streams.windows.watermark import Watermark

MINUTE = 60_000
START = 1_795_342_500_000 // MINUTE * MINUTE
SOURCES = [Partition("security", 0), Partition("security", 1)]
LATENESS = 10 * MINUTE

FILE = """\
id: {name}
title: An example
frameworks:
  soc2: [CC6.1, CC7.2]
sequence:
  by: [actor, address]
{sequence}
severity: high
reason: it happened
remediation: Let it not happen.
owner: security
source: It must not happen.
tests:
  compliant:
    - events: [{{at: 0s, kind: other}}]
  non_compliant:
    - events: [{{at: 0s, kind: other, violates: true}}]
"""

SEQUENCES = {
    "guessed": """\
  within: 5m
  steps:
    - {event: security, when: kind == 'auth_failure', times: 3}
    - {event: security, when: kind == 'auth_success'}""",
    "unapproved": """\
  within: 10m
  steps:
    - {event: security, when: kind == 'policy_change'}
    - {absent: security, when: kind == 'auth_failure'}
    - {event: security, when: kind == 'data_access'}""",
    "unanswered": """\
  steps:
    - {event: security, when: kind == 'secret_access'}
    - {absent: security, when: "kind in ['data_access', 'auth_success']", within: 4m}""",
}


def judge_of(sequences: dict[str, str]) -> Judge:
    files = []
    for name, sequence in sequences.items():
        file, problems = read_policy(FILE.format(name=name, sequence=sequence), name)
        assert problems == []
        files += [file] if file is not None else []
    found, problems = compile_policies(files)
    assert problems == []
    return found


JUDGE = judge_of(SEQUENCES)
PROTECTION = Protection(Classes(()), Pseudonyms(b"P" * 32))
SETTINGS = Settings((MINUTE,), LATENESS, 1000, 1000, Sla(), sequences=SequenceSettings(JUDGE.sequences))
RULES = load_rules([])

KINDS = ("auth_failure", "auth_success", "policy_change", "data_access", "secret_access", "other")
PEOPLE = ("mallory@example.com", "adam")


class Made(msgspec.Struct, frozen=True):
    """An event: what happened when, to whom; ``delay`` is how much later its record comes."""

    second: int
    kind: str
    actor: str
    delay: int = 0


def value_of(number: int, made: Made) -> bytes:
    happened = datetime.fromtimestamp(START / 1000 + made.second, UTC).isoformat()
    data: dict[str, Any] = {"service": "sshd", "kind": made.kind, "actor": made.actor, "address": "203.0.113.9"}
    envelope = {"specversion": "1.0", "type": "tidewatch.security", "id": str(number), "source": "/s"}
    return json.dumps({**envelope, "time": happened, "data": data}).encode()


def new_shard() -> Shard:
    return Shard(Watermark(500), 1000, lambda name: Tenant(name, SETTINGS, RuleEngine(RULES, name, 1000)))


def new_ingest() -> Ingest:
    return Ingest(Windows(), Limits(), judge, PROTECTION, Marker(JUDGE.sequences, JUDGE.attributes))


def records_of(events: Sequence[Made], cuts: Sequence[int], partitions: Sequence[int]) -> list[bytes]:
    """What ``panes`` holds when the events are in these partitions, cut into these batches; and the end of all time."""
    ingest, panes, offsets = new_ingest(), list[bytes](), [0, 0]
    arrived = sorted(enumerate(events), key=lambda each: each[1].second + each[1].delay)
    wall = START + 3_600_000
    panes.append(deltas.encode(Pulse(wall_ms=wall, expected=SOURCES)))
    begins = [0, *sorted(set(cuts)), len(arrived)]
    for begin, end in pairwise(begins):
        for number, source in enumerate(SOURCES):
            mine = [each for at, each in enumerate(arrived[begin:end], begin) if partitions[at] == number]
            if not mine:
                continue
            values = [value_of(*each) for each in mine]
            first = offsets[number]
            offsets[number] += len(values)
            batch = RecordBatch(source, range(first, offsets[number]), values, None, [wall] * len(values), 0)
            ingested = ingest(batch, wall, "one")
            assert ingested.dead == []
            panes += map(deltas.encode, (*ingested.deltas, *ingested.marks))
            panes.append(deltas.encode(Pulse(wall_ms=wall, seen=[(source, ingested.high_ms, wall)])))
    panes.append(deltas.encode(Pulse(wall_ms=wall, idle=SOURCES)))
    panes.append(deltas.encode(Pulse(wall_ms=wall + 100 * MINUTE, idle=SOURCES)))
    return panes


def run(panes: Sequence[bytes], crashes: Sequence[int] = ()) -> list[tuple[int, str, SequenceViolation]]:
    """Violations with the offset of the record that made each certain; workers die after the records ``crashes``."""
    shard, found = new_shard(), []
    kept, kept_at = shard.snapshot(), -1
    offset = 0
    pending = sorted(crashes)
    while offset < len(panes):
        record: Record | None = deltas.decode(panes[offset])
        assert record is not None
        if offset > shard.offset:
            shard.merge(record, offset)
            more = isinstance(record, Pulse)
            while more:
                output = shard.advance(3)
                found += [(offset, *each) for each in output.violations]
                more = output.more
        if offset % 3 == 0:
            kept, kept_at = shard.snapshot(), offset
        if pending and pending[0] == offset:
            pending.pop(0)
            shard = new_shard()
            shard.restore(decode(kept))
            offset = kept_at
        offset += 1
    return found


def told(found: Sequence[tuple[int, str, SequenceViolation]]) -> list[tuple[str, str, int]]:
    """Policy, event, time."""
    return sorted({(each.policy.id, each.witness.event_id, each.time_ms) for _, _, each in found})


def expected(events: Sequence[Made]) -> list[tuple[str, str]]:
    """What the policies say of all events together, as their inline tests are judged."""
    found = []
    decoded = [msgspec.json.decode(value_of(number, made)) for number, made in enumerate(events)]
    for policy in JUDGE.sequences:
        marker = Marker([policy], JUDGE.attributes)
        test = SequenceTest(tuple(map(_event, decoded)), (), None)  # type: ignore[arg-type]
        found += [(policy.id, str(number)) for number in violating(policy, marker, test)]
    return sorted(found)


def _event(decoded: Any) -> Any:
    return cloudevents.decode(msgspec.json.encode(decoded))


moments = st.builds(
    Made, st.integers(0, 900), st.sampled_from(KINDS), st.sampled_from(PEOPLE), st.sampled_from((0, 0, 5, 60, 250))
)


@given(st.lists(moments, min_size=1, max_size=14, unique_by=lambda made: made.second), st.data())
@settings(max_examples=40)
def test_the_same_violations_are_found_however_events_are_cut_and_whatever_crashes(
    events: list[Made], data: st.DataObject
) -> None:
    """Any batches of any partitions, late events; what was found before a crash is found again at the same offset."""
    cuts = data.draw(st.lists(st.integers(1, len(events)), max_size=4))
    partitions = data.draw(st.lists(st.integers(0, 1), min_size=len(events), max_size=len(events)))
    panes = records_of(events, cuts, partitions)
    undisturbed = run(panes)
    assert [each[:2] for each in told(undisturbed)] == expected(events)
    assert len(undisturbed) == len(told(undisturbed))

    crashes = data.draw(st.lists(st.integers(0, len(panes) - 1), max_size=2, unique=True))
    disturbed = run(panes, crashes)
    assert {repr(each) for each in disturbed} == {repr(each) for each in undisturbed}


EVENTS = [
    *(Made(second, "auth_failure", "mallory@example.com") for second in (0, 10, 20)),
    Made(30, "auth_success", "mallory@example.com"),
    Made(40, "auth_success", "adam"),
    Made(50, "secret_access", "adam"),
]


def test_a_violation_says_which_event_completed_it_and_where_its_record_is() -> None:
    """Of an absence, the event that was not answered, at the deadline."""
    first, second = run(records_of(EVENTS, [], [0] * 6))
    (_, tenant, found), (_, _, absent) = first, second
    assert (tenant, found.policy.id, found.time_ms) == ("default", "guessed", START + 30_000)
    assert (found.witness.source, found.witness.incarnation, found.witness.offset) == (SOURCES[0], "one", 3)
    assert (found.witness.service, found.witness.event_type, found.witness.event_id) == ("sshd", "security", "3")
    assert (absent.policy.id, absent.time_ms, absent.witness.event_id) == ("unanswered", START + 290_000, "5")


def test_no_name_is_in_what_the_shard_is_told_nor_in_what_it_keeps() -> None:
    """Keys are pseudonyms before they leave the worker that read the event."""
    panes, shard = records_of(EVENTS, [], [0] * 6), new_shard()
    for offset, packed in enumerate(panes):
        shard.merge(deltas.decode(packed), offset)  # type: ignore[arg-type]
    for text in (*panes, shard.snapshot()):
        assert b"mallory" not in text
        assert b"adam" not in text
        assert b"203.0.113.9" not in text


def test_a_violation_counts_in_the_series_of_verdicts_when_it_becomes_known() -> None:
    """Once for each control, where rules look."""
    shard = new_shard()
    for offset, packed in enumerate(records_of(EVENTS, [], [0] * 6)):
        shard.merge(deltas.decode(packed), offset)  # type: ignore[arg-type]
        while shard.advance(1_000).more:
            pass
    described = shard.tenants["default"].catalogue.described
    controls = [
        each.labels for each in described if each.name.endswith("evaluations_total") and "guessed" in each.labels
    ]
    assert len(controls) == 2
    assert all("non_compliant" in labels for labels in controls)


def test_a_rule_fires_for_a_violation() -> None:
    """The alert that is shipped, with the policy and the service."""
    shard, alerts = new_shard(), []
    for offset, packed in enumerate(records_of(EVENTS, [], [0] * 6)):
        shard.merge(deltas.decode(packed), offset)  # type: ignore[arg-type]
        more = True
        while more:
            output = shard.advance(1_000)
            alerts += output.alerts
            more = output.more
    fired = {(dict(a.labels).get("policy"), dict(a.labels).get("service")) for a in alerts if a.state == "firing"}
    assert {("guessed", "sshd"), ("unanswered", "sshd")} <= fired


def test_events_that_are_no_step_send_nothing() -> None:
    """Not even to tenants whose other events are steps."""
    ingested = new_ingest()(
        RecordBatch(SOURCES[0], range(1), [value_of(0, Made(0, "other", "adam"))], None, [START], 1), START, "one"
    )
    assert ingested.marks == []


def test_marks_of_many_events_go_in_records_that_a_broker_takes() -> None:
    """And none is taken twice when its batch is repeated."""
    events = [Made(second % 900, "auth_success", f"user-{second}") for second in range(9_000)]
    values = [value_of(number, made) for number, made in enumerate(events)]
    batch = RecordBatch(SOURCES[0], range(len(values)), values, None, [START] * len(values), len(values))
    marks = new_ingest()(batch, START + 3_600_000, "one").marks
    assert len(marks) > 1
    assert all(len(deltas.encode(each)) < 900_000 for each in marks)
    assert sum(len(each.marks) for each in marks) == 2 * len(events), "a step of two policies"
    shard = new_shard()
    for offset, record in enumerate((*marks, *marks)):
        shard.merge(record, offset)
    assert shard.duplicates == len(marks)
