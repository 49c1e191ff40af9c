"""FHIR's and OpenLineage's own examples as acts of processing, judged: each verdict is what the record itself says.

With TIDEWATCH_TEST_DATA, the directory of the data sets as they were published, what is shipped is compared with them.
"""

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from schemas import cloudevents
from schemas.events import ProcessingEvent
from schemas.failures import Rejected
from sources import Options, fhir, openlineage, read, recognise
from streams.compliance import judge
from tests.e2e.data import needs_whole, whole

DATA = Path(__file__).parent / "data"
FHIR = [event for event in read(DATA / "fhir.ndjson", fhir, 2026) if isinstance(event, ProcessingEvent)]
LINEAGE = [
    event for event in read(DATA / "openlineage.ndjson", openlineage, 2026) if isinstance(event, ProcessingEvent)
]


def judged(events: list[ProcessingEvent], verdict: str) -> dict[str, set[str]]:
    """Policy -> ids of the events for which it gave this verdict."""
    found = defaultdict(set)
    for event in events:
        for each in judge(event):
            if each.verdict == verdict:
                found[each.policy].add(event.id.rpartition("/")[2])
    return dict(found)


def test_files_are_recognised_and_every_event_is_one_that_a_worker_takes() -> None:
    assert (recognise(DATA / "fhir.ndjson").NAME, recognise(DATA / "openlineage.ndjson").NAME) == (
        "fhir",
        "openlineage",
    )
    assert (len(FHIR), len(LINEAGE)) == (26, 554)
    assert all(cloudevents.encode(event) for event in [*FHIR, *LINEAGE])


def test_violations_are_the_marketing_disclosure_and_two_consents_that_had_ended() -> None:
    assert judged(FHIR, "non_compliant") == {
        "phi-marketing-authorised": {"example-disclosure"},
        "consent-not-expired": {"consent-example-basic", "consent-example-notTime"},
    }


def test_the_records_themselves_say_that_these_are_violations_and_compliant() -> None:
    """Read from the JSON: what for, and whether a consent that was given had ended when it was recorded."""
    records = [json.loads(line) for line in (DATA / "fhir.ndjson").read_bytes().splitlines()]
    marketing = {each["id"] for each in records if '"HMARKT"' in json.dumps(each.get("purposeOfEvent"))}
    given = {
        each["id"]: (each["dateTime"][:10], each.get("provision", {}).get("period", {}).get("end", "")[:10])
        for each in records
        if each["resourceType"] == "Consent" and each["policyRule"]["coding"][0]["code"] == "OPTIN"
    }
    ended = {name for name, (recorded, end) in given.items() if end and end < recorded}
    lasting = {name for name, (recorded, end) in given.items() if end and end >= recorded}

    assert (len(marketing), len(ended), len(given)) == (1, 2, 8)
    assert judged(FHIR, "non_compliant") == {"phi-marketing-authorised": marketing, "consent-not-expired": ended}
    compliant = judged(FHIR, "compliant")
    assert compliant["consent-given"] == compliant["special-category-basis"] == set(given)
    assert compliant["consent-not-expired"] == lasting


def test_compliant_is_only_what_a_record_states() -> None:
    given = {f"consent-example-{name}" for name in ("notAuthor", "notOrg", "notThem", "notThis")}
    limited = {f"consent-example-{name}" for name in ("basic", "notTime", "signature", "smartonfhir")}

    assert judged(FHIR, "compliant") == {
        "consent-given": given | limited,
        "special-category-basis": given | limited,
        "consent-not-expired": {"consent-example-signature", "consent-example-smartonfhir"},
        "purpose-limitation": {"example-disclosure", "consent-example-Emergency", "signature"},
    }


def test_sign_in_and_the_start_of_a_program_are_about_nobodys_data() -> None:
    nobody = [event for event in FHIR if not judge(event)]

    assert {event.id for event in nobody} == {
        f"AuditEvent/{name}" for name in ("example", "example-login", "example-logout")
    }


def test_lineage_says_nothing_about_persons_so_nothing_is_called_compliant_or_a_violation() -> None:
    assert judged(LINEAGE, "compliant") == judged(LINEAGE, "non_compliant") == {}
    assert len(judged(LINEAGE, "not_evaluated")["lawful-basis"] | {""}) > 1
    assert {event.data.attributes["state"] for event in LINEAGE} == {"START", "COMPLETE", "FAIL"}


def test_every_run_has_a_reason_for_which_it_cannot_be_judged() -> None:
    for event in LINEAGE:
        found = [each for each in judge(event) if each.policy == "lawful-basis"]
        assert {each.verdict for each in found} == {"not_evaluated"}
        assert all("data_categories" in each.reason for each in found)


@needs_whole
@pytest.mark.parametrize("directory", whole("fhir-audit"), ids=lambda path: path.name)
def test_the_examples_as_they_were_published_are_judged_alike(directory: Path) -> None:
    texts = [file.read_bytes() for file in sorted(directory.glob("*-*.json"))]
    published = {
        f"{record['resourceType']}/{record['id']}": text
        for text in texts
        if (record := json.loads(text))["resourceType"] in ("AuditEvent", "Consent", "Provenance")
    }
    events = [event for text in published.values() for event in fhir.events(text.splitlines(True), Options())]

    assert {event.id for event in events} == set(published) == {event.id for event in FHIR}
    assert len(events) == 26
    for verdict in ("compliant", "non_compliant", "not_evaluated"):
        assert judged(events, verdict) == judged(FHIR, verdict)


@needs_whole
@pytest.mark.parametrize("directory", whole("openlineage"), ids=lambda path: path.name)
def test_the_runs_that_are_shipped_are_those_that_were_published(directory: Path) -> None:
    """But for times and ids, in whose places the published ones have placeholders."""
    published = [record for file in directory.rglob("*.json*") for record in records_of(file) if "eventType" in record]
    shipped = records_of(DATA / "openlineage.ndjson")

    assert len(published) == 554
    assert Counter(map(run_of, published)) == Counter(map(run_of, shipped))


def records_of(file: Path) -> list[dict[str, Any]]:
    """A file's records, however it holds them."""
    text = file.read_text(encoding="utf-8")
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        found = [json.loads(line) for line in text.splitlines() if line.strip()]
    return found if isinstance(found, list) else [found]


def run_of(record: dict[str, Any]) -> tuple[Any, ...]:
    sides = (sorted(each["name"] for each in record.get(side) or []) for side in ("inputs", "outputs"))
    return (record["eventType"], record["job"]["namespace"], record["job"]["name"], *map(tuple, sides))


def test_the_patient_the_actor_and_the_receiver_of_a_disclosure_are_found() -> None:
    (event,) = [event for event in FHIR if event.id == "AuditEvent/example-disclosure"]

    assert event.data.data_subject == "Patient/example"
    assert (event.data.actor, event.data.recipient) == ("SomeIdiot@nowhere", "Practitioner/example")
    assert (event.data.purpose, event.data.data_categories) == ("marketing", ["phi"])


def test_a_resource_may_be_spread_over_the_lines_of_a_file() -> None:
    line = (DATA / "fhir.ndjson").read_bytes().splitlines()[0]

    assert list(fhir.events([line[:1] + b"\n", line[1:]], Options())) == FHIR[:1]


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (fhir, b'{"resourceType": "Patient", "id": "1"}'),
        (fhir, b'{"resourceType": "Consent", "id": "1", "dateTime": "soon"}'),
        (fhir, b"[]"),
        (openlineage, b'{"eventType": "START", "eventTime": "{{ now }}", "run": {"runId": "1"}, "job": {}}'),
        (openlineage, b"{}"),
    ],
)
def test_what_is_no_record_is_told_with_its_number(source, line: bytes) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Rejected, match=r"x, (resource|event) 1: "):
        list(source.events([line], Options(name="x")))
