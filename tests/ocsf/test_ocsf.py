"""Every kind of event becomes one of the right class, and fits OCSF's own schema."""

from typing import Any, get_args

import msgspec
import pytest

from schemas.events.security import SecurityKind
from streams.evidence.chain import EntryRow
from streams.ocsf.activities import processing, security
from streams.ocsf.findings import finding
from tests.evidence.ledgers import taken
from tests.ocsf.schema import problems

LOCATED = {"time_ms": 1_795_348_800_000, "tenant": "acme", "service": "shop", "event_id": "e1", "_topic": "security"}
SECURITY = {
    **LOCATED,
    "kind": "api_call",
    "outcome": "denied",
    "actor": "p-1",
    "address": "203.0.113.9",
    "target": "db",
    "action": "",
    "reason": "",
    "purpose": "",
    "encrypted": None,
    "authorized": False,
    "mfa": None,
    "attributes": {"a": "b"},
}
PROCESSING = {
    **LOCATED,
    "operation": "export",
    "data_categories": ["personal"],
    "data_subject": "p-2",
    "purpose": "marketing",
    "legal_basis": "consent",
    "consent": True,
    "recipient": "",
    "location": "US",
    "encrypted": None,
    "actor": "",
    "retention_days": None,
    "attributes": {},
}
CLASSES = {
    **dict.fromkeys(("auth_success", "auth_failure"), 3002),
    **dict.fromkeys(("data_access", "secret_access", "phi_access", "cardholder_data_access"), 6005),
}


def entry() -> dict[str, Any]:
    rows, _ = taken()
    texts = [row.text for row in rows if isinstance(row, EntryRow) and '"violation"' in row.text]
    found: dict[str, Any] = msgspec.json.decode(texts[0])
    return found


def every() -> list[dict[str, Any]]:
    """Events of all kinds, with as much and as little as they may say."""
    found = [finding(entry(), "ab" * 32, "Ask for a second factor."), finding(entry(), "ab" * 32, "")]
    for kind in get_args(SecurityKind):
        for outcome in ("success", "failure", "denied", "unknown"):
            found.append(security({**SECURITY, "kind": kind, "outcome": outcome, "mfa": True}))
            bare = {"actor": "", "address": "", "target": "", "attributes": {}, "authorized": None}
            found.append(security({**SECURITY, "kind": kind, "outcome": outcome, **bare}))
    found.append(security({**SECURITY, "address": "host.example"}))
    return found + [processing({**PROCESSING, "operation": each}) for each in ("read", "delete", "share", "odd")]


@pytest.mark.parametrize("kind", get_args(SecurityKind))
def test_a_security_event_is_of_the_class_of_its_kind(kind: str) -> None:
    found = security({**SECURITY, "kind": kind})
    assert found["class_uid"] == CLASSES.get(kind, 6003)
    assert (found["status_id"], found["src_endpoint"]) == (2, {"ip": "203.0.113.9"})
    assert found["unmapped"]["authorized"] is False


def test_a_violation_names_its_entry_and_digests() -> None:
    found = finding(entry(), "ab" * 32, "Ask for a second factor.")
    assert (found["class_uid"], found["severity_id"], found["compliance"]["status"]) == (2003, 4, "Fail")
    assert found["compliance"]["requirements"] == ["soc2 CC6.1", "pci 8.4.2"]
    assert found["finding_info"]["uid"] == "ab" * 32
    assert found["raw_data_hash"]["value"] == bytes(32).hex()


def test_an_act_of_processing_is_access_to_data() -> None:
    found = processing(PROCESSING)
    assert (found["class_uid"], found["activity_id"], found["activity_name"]) == (6005, 99, "export")
    assert found["actor"] == {"app_name": "shop"}


def test_all_fit_the_official_schema() -> None:
    assert [problem for event in every() for problem in problems(event)] == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"severity_id": 17}, "severity_id: 17 is not one of"),
        ({"nonsense": 1}, "'nonsense' was unexpected"),
        ({"time": "now"}, 'time: "now" is not of type "integer"'),
        ({"type_uid": 600302}, "type_uid: not 100 times"),
        ({"src_endpoint": {"ip": "999.1.1.1"}}, "src_endpoint.ip"),
        ({"class_uid": 3002}, "class_uid"),
    ],
)
def test_the_schema_notices_what_is_wrong(change: dict[str, Any], said: str) -> None:
    assert any(said in problem for problem in problems({**security(SECURITY), **change}))
