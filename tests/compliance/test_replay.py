"""Real CloudTrail records, judged: what their own fields say is found, each with its controls, and nothing else is."""

import json
from pathlib import Path

import pytest

from sources import Options, cloudtrail
from streams.compliance import judge

FILE = Path(__file__).parents[2] / "demo" / "data" / "cloudtrail" / "cloudtrail.ndjson"
LINES = FILE.read_bytes().splitlines()
RECORDS = {record["eventID"]: record for record in map(json.loads, LINES)}
EVENTS = list(cloudtrail.events(LINES, Options()))

READS = {"GetSecretValue", "GetParameter", "GetParameters", "GetPasswordData", "Decrypt"}
CHANGES = {
    *("AttachRolePolicy", "CreateInstanceProfile", "CreatePolicy", "CreateRole", "CreateUser", "AttachUserPolicy"),
    *("AddRoleToInstanceProfile", "CreateLoginProfile", "CreateAccessKey", "PutBucketPolicy", "PutUserPolicy"),
    *("DeleteAccessKey", "DeleteRole", "DeleteRolePolicy", "DetachRolePolicy", "DeleteUserPolicy", "DeleteUser"),
    *(
        "PutRolePolicy",
        "AuthorizeSecurityGroupIngress",
        "AuthorizeSecurityGroupEgress",
        "RemoveRoleFromInstanceProfile",
    ),
    *("DeleteInstanceProfile", "DeletePolicy", "DetachUserPolicy"),
}


def found(policy: str, verdict: str | None = None) -> dict[str, set[str]]:
    """Event id -> the controls for which ``policy`` gave a verdict."""
    judged = {
        event.id: {
            f"{each.framework} {each.control}"
            for each in judge(event)
            if each.policy == policy and each.verdict == (verdict or each.verdict)
        }
        for event in EVENTS
    }
    return {name: controls for name, controls in judged.items() if controls}


@pytest.mark.parametrize(
    ("policy", "verdict", "controls", "number"),
    [
        ("call-permitted", "non_compliant", {"soc2 CC6.1", "soc2 CC7.2", "pci 10.2.1.4"}, 60),
        ("unauthorised-access-refused", "compliant", {"soc2 CC6.1", "soc2 CC6.6"}, 60),
    ],
)
def test_denied_calls_are_found_and_nothing_else(policy, verdict, controls, number) -> None:
    """By the error codes of the records."""
    codes = ("AccessDenied", "Client.UnauthorizedOperation")
    denied = {name for name, record in RECORDS.items() if record.get("errorCode") in codes}
    assert len(denied) == number
    assert found(policy, verdict) == dict.fromkeys(denied, controls)


def test_reads_of_secrets_and_data_are_found_and_nothing_else() -> None:
    """By what was called; all of them can be led back to one identity."""
    reads = {name for name, record in RECORDS.items() if record["eventName"] in READS}
    assert found("sensitive-read-attributable", "compliant") == {key: {"soc2 CC6.1", "pci 10.2.1"} for key in reads}
    assert found("sensitive-read-attributable", "non_compliant") == {}


def test_policy_changes_are_found_and_nothing_else() -> None:
    """By what was called; the records do not say whether there was a second factor, so none is called compliant."""
    changes = {name for name, record in RECORDS.items() if record["eventName"] in CHANGES}
    controls = {"soc2 CC6.2", "soc2 CC6.3", "soc2 CC8.1", "pci 10.2.1.5"}
    assert len(changes) > 5
    assert found("policy-change-mfa") == dict.fromkeys(changes, controls)
    assert found("policy-change-mfa", "not_evaluated") == found("policy-change-mfa")
