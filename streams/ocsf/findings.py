"""Violations of the evidence ledger as Compliance Findings, class 2003."""

from collections.abc import Mapping
from typing import Any

from streams.ocsf.common import CRITICAL, HIGH, LOW, MEDIUM, event

_FINDINGS, _COMPLIANCE, _CREATE, _NEW, _FAIL = 2, 3, 1, 1, 3
_SEVERITIES = {"critical": CRITICAL, "high": HIGH, "medium": MEDIUM, "low": LOW}
_STANDARDS = {"gdpr": "GDPR", "hipaa": "HIPAA", "pci": "PCI DSS", "soc2": "SOC 2"}
_SHA_256 = 3


def finding(entry: Mapping[str, Any], digest: str, remediation: str) -> dict[str, Any]:
    """An entry of kind ``violation``; ``digest`` is its hash, ``remediation`` what its policy says to do."""
    body = entry["body"]
    controls: list[str] = body["controls"]
    frameworks = dict.fromkeys(control.partition(" ")[0] for control in controls)
    found = event(
        *(_FINDINGS, _COMPLIANCE, _CREATE, _SEVERITIES.get(body["severity"], 0), body["time"]),
        metadata={"uid": digest, "tenant_uid": entry["tenant"], "log_name": body["record"]["topic"]},
    )
    ledger = {name: entry[name] for name in ("chain", "seq")}
    return {
        **found,
        "status_id": _NEW,
        "message": f"{body['service']} violates {body['policy']}",
        "finding_info": {
            "uid": digest,
            "title": f"{body['service']} violates {body['policy']}",
            "desc": body["reason"],
            "types": ["compliance"],
            "first_seen_time": body["time"],
            "created_time": entry["at"],
        },
        "compliance": {
            "standards": [_STANDARDS.get(name, name) for name in frameworks],
            "control": body["policy"],
            "requirements": controls,
            "status_id": _FAIL,
            "status": "Fail",
        },
        "resources": [{"name": body["service"], "type": "service"}],
        "evidences": [{"data": {**ledger, "record": body["record"], "policy_digest": body["policy_digest"]}}],
        "raw_data_hash": {"algorithm_id": _SHA_256, "value": body["event_digest"]},
        **({"remediation": {"desc": remediation}} if remediation else {}),
    }
