"""Security and processing events as activities: logons (3002), calls (6003) and access to data (6005).

Rows are those of ``raw_security`` and ``raw_processing``, with their time as ``time_ms``: who somebody is has been
replaced by a pseudonym there.
"""

from collections.abc import Mapping
from typing import Any

from streams.ocsf.common import (
    FAILURE,
    INFORMATIONAL,
    LOW,
    MEDIUM,
    OTHER,
    SUCCESS,
    UNKNOWN,
    actor,
    endpoint,
    event,
    stated,
)

_IAM, _APPLICATION = 3, 6
_AUTHENTICATION, _API, _DATASTORE = 2, 3, 5
_LOGON, _READ, _API_UPDATE = 1, 1, 3

_OUTCOMES = {"success": SUCCESS, "failure": FAILURE, "denied": FAILURE}
_DATA = {"data_access", "secret_access", "phi_access", "cardholder_data_access"}
_OPERATIONS = {"read": 1, "update": 2, "query": 4, "write": 5, "create": 6, "delete": 7, "list": 8, "encrypt": 9}


def security(row: Mapping[str, Any]) -> dict[str, Any]:
    """A security event: a logon, access to data, or a call."""
    status = _OUTCOMES.get(row["outcome"], UNKNOWN)
    severity = {"failure": LOW, "denied": MEDIUM}.get(row["outcome"], INFORMATIONAL)
    kind, service = row["kind"], row["service"]
    if kind in ("auth_success", "auth_failure"):
        found = _event(row, _IAM, _AUTHENTICATION, _LOGON, severity)
        found |= {"user": {"name": row["actor"] or "unknown"}, "service": {"name": service}}
        found |= stated({"is_mfa": row["mfa"]})
    elif kind in _DATA:
        found = _event(row, _APPLICATION, _DATASTORE, _READ, severity)
        found |= {"actor": actor(row["actor"], service), "database": _database(row["target"] or service)}
    else:
        activity = _API_UPDATE if kind == "policy_change" else OTHER
        found = _event(row, _APPLICATION, _API, activity, severity)
        found |= {"activity_name": kind} if activity == OTHER else {}
        found |= {
            "actor": actor(row["actor"], service),
            "api": {"operation": row["action"] or kind, "service": {"name": service}},
        }
        found |= stated({"resources": [{"name": row["target"]}] if row["target"] else []})
    said = {name: row[name] for name in ("kind", "purpose", "encrypted", "authorized", "attributes")}
    more = stated({"status_detail": row["reason"], "unmapped": stated(said)})
    return {**found, "src_endpoint": endpoint(row["address"], service), "status_id": status, **more}


def processing(row: Mapping[str, Any]) -> dict[str, Any]:
    """An act of data processing: access to data."""
    service, operation = row["service"], row["operation"]
    activity = _OPERATIONS.get(operation, OTHER)
    found = _event(row, _APPLICATION, _DATASTORE, activity, INFORMATIONAL)
    names = ("operation", "data_categories", "data_subject", "purpose", "legal_basis", "consent", "recipient")
    said = {name: row[name] for name in (*names, "location", "encrypted", "retention_days", "attributes")}
    return {
        **found,
        **({"activity_name": operation} if activity == OTHER else {}),
        "actor": actor(row["actor"], service),
        "src_endpoint": endpoint("", service),
        "database": _database(service),
        "unmapped": stated(said),
    }


def _event(row: Mapping[str, Any], category: int, number: int, activity: int, severity: int) -> dict[str, Any]:
    metadata = {"uid": row["event_id"], "tenant_uid": row["tenant"], "log_name": row["_topic"]}
    return event(category, number, activity, severity, row["time_ms"], metadata)


def _database(name: str) -> dict[str, Any]:
    """Of a type that nobody has said."""
    return {"name": name, "type_id": 0}
