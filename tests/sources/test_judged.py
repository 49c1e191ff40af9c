"""FHIR's and OpenLineage's own examples as acts of processing, judged: each verdict is what the record itself says."""

from collections import defaultdict
from pathlib import Path

import pytest

from schemas import cloudevents
from schemas.events import ProcessingEvent
from schemas.failures import Rejected
from sources import Options, fhir, openlineage, read, recognise
from streams.compliance import judge

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
