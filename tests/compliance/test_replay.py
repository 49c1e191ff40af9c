"""Real CloudTrail records, judged: what their own fields say is found, each with its controls, and nothing else is.

Of what counts as what, everything here is read out of the records, by names that are written down here. The repository
ships an extract; TIDEWATCH_TEST_DATA names the directory of the whole file, of whose README the numbers are.
"""

import json
from collections import defaultdict
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sources import Options, cloudtrail
from streams.compliance import judge
from tests.e2e.data import SHIPPED, whole

READS = {"GetSecretValue", "GetParameter", "GetParameters", "GetPasswordData", "Decrypt"}
CHANGES = {
    *("CreatePolicy", "DeletePolicy", "AttachRolePolicy", "AttachUserPolicy", "DetachRolePolicy", "DetachUserPolicy"),
    *("PutRolePolicy", "PutUserPolicy", "DeleteRolePolicy", "DeleteUserPolicy", "UpdateAssumeRolePolicy"),
    *("PutBucketPolicy", "DeleteBucketPolicy", "AddPermission20150331v2", "RemovePermission20150331v2"),
    *("CreateRole", "DeleteRole", "CreateUser", "DeleteUser", "CreateAccessKey", "DeleteAccessKey"),
    *("CreateLoginProfile", "DeleteLoginProfile", "CreateInstanceProfile", "DeleteInstanceProfile"),
    *("AddRoleToInstanceProfile", "RemoveRoleFromInstanceProfile"),
    *("AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress"),
    *("RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress"),
}

POLICIES = {
    "call-permitted": {"soc2 CC6.1", "soc2 CC7.2", "pci 10.2.1.4"},
    "unauthorised-access-refused": {"soc2 CC6.1", "soc2 CC6.6"},
    "sensitive-read-attributable": {"soc2 CC6.1", "pci 10.2.1"},
    "policy-change-mfa": {"soc2 CC6.2", "soc2 CC6.3", "soc2 CC8.1", "pci 10.2.1.5"},
}
"""Those that judge denied calls, reads and changes, with the controls that they speak for."""


class Trail(NamedTuple):
    """A file, and how many of its records are what."""

    file: Path
    records: int
    denied: int
    reads: int
    changes: int


TRAILS = [
    Trail(SHIPPED / "cloudtrail" / "cloudtrail.ndjson", 293, 60, 64, 10),
    *(Trail(file, 2_900, 60, 354, 97) for file in whole("cloudtrail-invictus/cloudtrail.ndjson")),
]

on_each = pytest.mark.parametrize("trail", TRAILS, ids=lambda trail: f"{trail.records} records")


@lru_cache(2)
def records(trail: Trail) -> dict[str, dict[str, Any]]:
    """By their own id, which is unique."""
    found = [json.loads(line) for line in trail.file.read_bytes().splitlines()]
    by_id = {record["eventID"]: record for record in found}
    assert len(by_id) == len(found) == trail.records
    return by_id


@lru_cache(2)
def verdicts(trail: Trail) -> dict[tuple[str, str], dict[str, set[str]]]:
    """(policy, verdict) -> event id -> controls."""
    found: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for event in cloudtrail.events(trail.file.read_bytes().splitlines(), Options()):
        for each in judge(event):
            found[each.policy, each.verdict][event.id].add(f"{each.framework} {each.control}")
    return found


def denied(trail: Trail) -> set[str]:
    codes = ("AccessDenied", "Client.UnauthorizedOperation")
    found = {key for key, record in records(trail).items() if record.get("errorCode") in codes}
    assert len(found) == trail.denied
    return found


def called(trail: Trail, names: set[str], number: int) -> set[str]:
    found = {key for key, record in records(trail).items() if record["eventName"] in names}
    assert len(found) == number
    return found


def only(trail: Trail, policy: str, verdict: str, events: set[str]) -> None:
    """The policy gives this verdict for these events and no others, with its controls."""
    assert verdicts(trail).get((policy, verdict), {}) == dict.fromkeys(events, POLICIES[policy])


@on_each
def test_denied_calls_are_found_and_nothing_else(trail: Trail) -> None:
    """By the error codes of the records: a violation for who called, and compliant for the service that refused."""
    only(trail, "call-permitted", "non_compliant", denied(trail))
    only(trail, "unauthorised-access-refused", "compliant", denied(trail))
    only(trail, "unauthorised-access-refused", "non_compliant", set())


@on_each
def test_reads_of_secrets_and_data_are_found_and_nothing_else(trail: Trail) -> None:
    """By what was called; all of them can be led back to one identity."""
    only(trail, "sensitive-read-attributable", "compliant", called(trail, READS, trail.reads))
    only(trail, "sensitive-read-attributable", "non_compliant", set())
    only(trail, "sensitive-read-attributable", "not_evaluated", set())


@on_each
def test_policy_changes_are_found_and_nothing_else(trail: Trail) -> None:
    """By what was called; the records do not say whether there was a second factor, so none is called compliant."""
    changes = called(trail, CHANGES, trail.changes)
    only(trail, "policy-change-mfa", "not_evaluated", changes)
    only(trail, "policy-change-mfa", "compliant", set())
    only(trail, "policy-change-mfa", "non_compliant", set())
    stated = [records(trail)[key]["userIdentity"].get("sessionContext", {}).get("attributes", {}) for key in changes]
    assert not any("mfaAuthenticated" in attributes for attributes in stated)


@on_each
def test_no_other_policy_calls_anything_a_violation_but_the_end_of_records(trail: Trail) -> None:
    """Who ends the logging of an account, or deletes its record, is an attacker indeed: by what was called and done."""
    names = ("StopLogging", "DeleteTrail", "DeleteFlowLogs", "DeleteLogGroup")
    ends = {key for key, record in records(trail).items() if record["eventName"] in names and "errorCode" not in record}
    wrong = {policy: set(found) for (policy, verdict), found in verdicts(trail).items() if verdict == "non_compliant"}
    assert wrong == {"call-permitted": denied(trail), **({"audit-trail-kept-running": ends} if ends else {})}
