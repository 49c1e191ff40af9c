"""AWS CloudTrail events, one JSON object a line, or CloudTrail's own files of ``{"Records": [...]}`` in one line.

Record format: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Literal

import msgspec

from schemas.events import Security, SecurityEvent
from schemas.events.security import SecurityKind
from schemas.failures import Rejected
from sources import Options

NAME = "cloudtrail"
DESCRIPTION = "AWS CloudTrail, one event a line: security events by what was called and how it ended."

Outcome = Literal["success", "failure", "denied"]

DENIED = ("AccessDenied", "UnauthorizedOperation")
"""Parts of the error codes with which a service refuses a call for lack of permission."""

SECRET_READS = frozenset({"GetSecretValue", "BatchGetSecretValue", "GetParameter", "GetParameters", "GetPasswordData"})
DATA_READS = frozenset({"Decrypt", "GetObject", "GetItem", "BatchGetItem", "Query", "Scan", "Select"})

POLICY_CHANGES = re.compile(
    r"(Create|Delete|Update|Attach|Detach|Put|Set)\w*(Policy|PolicyVersion)"
    r"|(Create|Delete|Update)(User|Role|Group|AccessKey|LoginProfile|InstanceProfile)"
    r"|(Add|Remove)(RoleToInstanceProfile|RoleFromInstanceProfile|UserToGroup|UserFromGroup|Permission)"
    r"|(Authorize|Revoke)SecurityGroup(Ingress|Egress)"
)
"""Who may do what: identities and their policies, policies of buckets and functions, and network rules."""

_VERSION = re.compile(r"\d{8}(v\d+)?$")
"""Lambda writes the version of its interface behind the name: ``AddPermission20150331v2``."""

TARGETS = (
    *("secretId", "name", "names", "parameterName", "bucketName", "keyId", "functionName", "policyArn", "roleArn"),
    *("roleName", "userName", "instanceProfileName", "instanceId", "groupId", "trailName"),
)
"""Request parameters that name what was acted on, the most telling first."""


def detect(name: str, first: bytes) -> bool:
    """Fields that every record has."""
    return first.lstrip().startswith(b"{") and b'"eventVersion"' in first and b'"userIdentity"' in first


def events(lines: Iterable[bytes], options: Options) -> Iterator[SecurityEvent]:
    """One security event a record. Raises ``Rejected`` with the line number for a line that holds no record."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            parsed = msgspec.json.decode(line)
            for record in parsed.get("Records", [parsed]):
                yield security_event(record)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, AttributeError, KeyError, ValueError):
            raise Rejected(f"{options.name}, line {number}: not a CloudTrail record") from None


def security_event(record: dict[str, Any]) -> SecurityEvent:
    """A record as an event; the service is the AWS service that was called."""
    identity = record.get("userIdentity") or {}
    session = ((identity.get("sessionContext") or {}).get("attributes") or {}).get("mfaAuthenticated")
    outcome = _outcome(record)
    error = str(record.get("errorCode") or "")
    return SecurityEvent(
        specversion="1.0",
        id=record["eventID"],
        source=f"/cloudtrail/{record['recipientAccountId']}/{record['awsRegion']}",
        time=datetime.fromisoformat(record["eventTime"]),
        data=Security(
            service=record["eventSource"].removesuffix(".amazonaws.com"),
            kind=_kind(record, outcome),
            outcome=outcome,
            actor=str(identity.get("arn") or identity.get("invokedBy") or identity.get("principalId") or "")[:4096],
            address=str(record.get("sourceIPAddress") or "")[:128],
            target=_target(record),
            action=record["eventName"],
            reason=error,
            encrypted=True if record.get("tlsDetails") else None,
            authorized=outcome != "denied",
            mfa=None if session is None else session == "true",
            attributes={"region": record["awsRegion"], **({"error_code": error} if error else {})},
        ),
    )


def _outcome(record: dict[str, Any]) -> Outcome:
    error = record.get("errorCode") or ""
    if any(part in error for part in DENIED):
        return "denied"
    signed_in = (record.get("responseElements") or {}).get("ConsoleLogin")
    return "failure" if error or signed_in == "Failure" else "success"


def _kind(record: dict[str, Any], outcome: Outcome) -> SecurityKind:
    """What was tried decides before how it ended: a refused read of a secret is a ``secret_access`` that was denied."""
    name = record["eventName"]
    if name == "ConsoleLogin":
        return "auth_success" if outcome == "success" else "auth_failure"
    if name in SECRET_READS:
        return "secret_access"
    if name in DATA_READS:
        return "data_access"
    if POLICY_CHANGES.fullmatch(_VERSION.sub("", name)):
        return "policy_change"
    if outcome == "denied":
        return "unauthorized_attempt"
    return "api_call" if record.get("eventType") == "AwsApiCall" else "other"


def _target(record: dict[str, Any]) -> str:
    parameters = record.get("requestParameters") or {}
    resources = record.get("resources") or [{}]
    found = next((parameters[name] for name in TARGETS if parameters.get(name)), resources[0].get("ARN") or "")
    return (", ".join(map(str, found)) if isinstance(found, list) else str(found))[:4096]
