"""What every OCSF event has, and the objects that several classes share."""

import ipaddress
from collections.abc import Mapping
from typing import Any

VERSION = "1.8.0"

UNKNOWN, SUCCESS, FAILURE, OTHER = 0, 1, 2, 99
"""Of ``status_id``; the last of ``activity_id`` too."""

INFORMATIONAL, LOW, MEDIUM, HIGH, CRITICAL = 1, 2, 3, 4, 5
"""Of ``severity_id``."""


def event(
    category: int, number: int, activity: int, severity: int, time_ms: int, metadata: Mapping[str, Any]
) -> dict[str, Any]:
    """The classification of an event; ``number`` is the class within its category."""
    class_uid = 1000 * category + number
    product = {"name": "Tidewatch", "vendor_name": "Tidewatch"}
    return {
        "activity_id": activity,
        "category_uid": category,
        "class_uid": class_uid,
        "type_uid": 100 * class_uid + activity,
        "severity_id": severity,
        "time": time_ms,
        "metadata": {"version": VERSION, "product": product, **metadata},
    }


def endpoint(address: str, service: str) -> dict[str, Any]:
    """Where an actor came from: an address, a host name; else the service that speaks for it."""
    if not address:
        return {"svc_name": service}
    try:
        return {"ip": str(ipaddress.ip_address(address))}
    except ValueError:
        return {"name": address}


def actor(name: str, service: str) -> dict[str, Any]:
    """Who acted: a user; the service where none is said."""
    return {"user": {"name": name}} if name else {"app_name": service}


def stated(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Those that say something."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}
