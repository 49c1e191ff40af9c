"""CloudTrail records become security events by what was called and how it ended."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from schemas.failures import Rejected
from sources import Options, cloudtrail

FILE = Path(__file__).parents[2] / "demo" / "data" / "cloudtrail" / "cloudtrail.ndjson"
LINES = FILE.read_bytes().splitlines()

RECORD: dict[str, Any] = {
    "eventVersion": "1.08",
    "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::1:user/a"},
    "eventTime": "2023-07-10T11:42:18Z",
    "eventSource": "iam.amazonaws.com",
    "eventName": "GetUser",
    "awsRegion": "us-east-1",
    "sourceIPAddress": "203.0.113.9",
    "eventID": "1",
    "eventType": "AwsApiCall",
    "recipientAccountId": "1",
}


def test_counts_equal_those_of_the_file() -> None:
    """Denied calls by their error codes, reads of secrets by their names: counted here without the module."""
    records = [json.loads(line) for line in LINES]
    events = [event.data for event in cloudtrail.events(LINES, Options())]
    denied = [
        record for record in records if record.get("errorCode") in ("AccessDenied", "Client.UnauthorizedOperation")
    ]
    assert sum(data.outcome == "denied" for data in events) == len(denied) == 60
    assert all(data.authorized is (data.outcome != "denied") for data in events)
    reads = Counter(record["eventName"] for record in records)
    secrets = reads["GetSecretValue"] + reads["GetParameter"] + reads["GetParameters"] + reads["GetPasswordData"]
    assert sum(data.kind == "secret_access" for data in events) == secrets
    assert sum(data.kind == "data_access" for data in events) == reads["Decrypt"]


@pytest.mark.parametrize(
    "changes, kind, outcome",
    [
        ({}, "api_call", "success"),
        ({"errorCode": "NoSuchEntityException"}, "api_call", "failure"),
        ({"errorCode": "AccessDenied"}, "unauthorized_attempt", "denied"),
        ({"errorCode": "Client.UnauthorizedOperation", "eventName": "GetPasswordData"}, "secret_access", "denied"),
        ({"eventName": "GetSecretValue"}, "secret_access", "success"),
        ({"eventName": "Decrypt"}, "data_access", "success"),
        ({"eventName": "PutBucketPolicy"}, "policy_change", "success"),
        ({"eventName": "AddPermission20150331v2"}, "policy_change", "success"),
        ({"eventName": "UpdateAssumeRolePolicy"}, "policy_change", "success"),
        ({"eventName": "DetachUserPolicy", "errorCode": "AccessDenied"}, "policy_change", "denied"),
        ({"eventName": "GetBucketPolicy"}, "api_call", "success"),
        ({"eventName": "ConsoleLogin", "responseElements": {"ConsoleLogin": "Success"}}, "auth_success", "success"),
        ({"eventName": "ConsoleLogin", "responseElements": {"ConsoleLogin": "Failure"}}, "auth_failure", "failure"),
        ({"eventType": "AwsServiceEvent"}, "other", "success"),
    ],
)
def test_kind_and_outcome(changes: dict[str, Any], kind: str, outcome: str) -> None:
    """What was tried decides the kind; how it ended, the outcome."""
    data = cloudtrail.security_event({**RECORD, **changes}).data
    assert (data.kind, data.outcome) == (kind, outcome)


def test_who_where_from_and_what() -> None:
    """Fields of the record that an analyst asks for first."""
    session = {"sessionContext": {"attributes": {"mfaAuthenticated": "true"}}}
    record = {
        **RECORD,
        "userIdentity": {**RECORD["userIdentity"], **session},
        "requestParameters": {"userName": "b"},
        "tlsDetails": {"tlsVersion": "TLSv1.2"},
    }
    data = cloudtrail.security_event(record).data
    assert (data.service, data.actor, data.address) == ("iam", "arn:aws:iam::1:user/a", "203.0.113.9")
    assert (data.target, data.action, data.mfa, data.encrypted) == ("b", "GetUser", True, True)


def test_cloudtrails_own_files() -> None:
    """All records of a delivery in one object."""
    line = json.dumps({"Records": [RECORD, {**RECORD, "eventID": "2"}]}).encode()
    assert [event.id for event in cloudtrail.events([line], Options())] == ["1", "2"]


@pytest.mark.parametrize("line", [b"{", b"[]", b"{}", b'{"eventID": 1}', b"\xff", b"[" * 100_000], ids=range(6))
def test_a_line_without_a_record_is_named(line: bytes) -> None:
    """With its number, and not its content."""
    with pytest.raises(Rejected, match=r"^trail, line 2: not a CloudTrail record$"):
        list(cloudtrail.events([json.dumps(RECORD).encode(), line], Options(name="trail")))
