"""What an event states, taken from its JSON as docs/how-to/add-a-policy.md says, and by no code of ours.

Only what JSON says is of use here: a field of another type is none, an attribute of another form is none.
"""

import math
import re
from datetime import UTC, datetime
from typing import Any

from streams.compliance.attributes import SHIPPED

_MARKS = ("dataclassification", "dataregulation", "datacategory")
_PERSONS = ("actor", "address", "consent_id", "data_subject", "reason", "recipient", "target")
_FIELDS = {
    "security": ("kind", "outcome", "action", "purpose", "encrypted", "authorized", "mfa"),
    "processing": (*("operation", "purpose", "legal_basis", "consent", "location", "encrypted", "retention_days"),),
}
_CATEGORIES = {
    "personal": {"personal", "personal_data", "pii"},
    "pseudonymous": {"pseudonymous", "pseudonymised", "pseudonymized"},
    "special-category": {"special_category"},
    "phi": {"phi", "health"},
    "cardholder": {"cardholder", "cardholder_data", "card_number", "pan"},
    "none": {"none", "public"},
}
_EXTENSION = {"non-pii": "none", "phi": "phi", "special-category": "special-category"}
"""``datacategory`` -> the category; any other that is accepted is about a person."""

_ABOUT = {
    "is_personal": {"personal", "pseudonymous", "special-category", "phi", "cardholder"},
    "is_special": {"special-category", "phi"},
    "is_phi": {"phi"},
    "is_cardholder": {"cardholder"},
}
_SHARED = {"root", "admin", "administrator", "shared", "guest", "anonymous", "system", "service"}


def facts(record: dict[str, Any]) -> dict[str, Any]:
    """Variable -> value, of an event that was accepted; what is not stated is not there, ``stated.x`` is false."""
    kind = str(record["type"]).partition(".")[2]
    data = record["data"]
    found = {name: data[name] for name in _FIELDS[kind] if data.get(name) not in (None, "")}
    found = {name: value for name, value in found.items() if (name, value) != ("outcome", "unknown")}
    for name in {"operation", "purpose"} & found.keys():
        found[name] = word(found[name][:64])
    _place(found)
    found["refused"] = found.get("outcome") in ("denied", "failure")
    if data.get("actor"):
        found["shared_account"] = data["actor"].lower() in _SHARED
    _about(found, kind, record)
    persons = {name for name in _PERSONS if data.get(name)}
    known = {f"known.{name}": True for name in persons}
    attributes = {
        name: value
        for name, text in data.get("attributes", {}).items()
        if name in SHIPPED and (value := _attribute(SHIPPED[name].type, text, record["time"])) is not None
    }
    stated = {f"stated.{name}": True for name in (*found, *persons, *attributes)}
    seen = {
        f"{'hours_since' if SHIPPED[name].type == 'time' else 'attributes'}.{name}": value
        for name, value in attributes.items()
    }
    return found | known | stated | seen


def word(text: str) -> str:
    """Case, spaces, hyphens and underscores make no difference."""
    return "_".join(re.sub("[-_]", " ", text.lower()).split())


def _place(found: dict[str, Any]) -> None:
    if "location" in found:
        code = found["location"].strip().upper()
        if code == "EEA" or (len(code) == 2 and code.isascii() and code.isalpha()):
            found["location"] = code
        else:
            del found["location"]


def _about(found: dict[str, Any], kind: str, record: dict[str, Any]) -> None:
    extension = {name: record[name].lower() for name in _MARKS if name in record}
    if extension:
        found["classification"] = extension["dataclassification"]
        listed = [each.strip() for each in extension.get("dataregulation", "").split(",") if each.strip()]
        found["regulations"] = [{"pci-dss": "pci", "soc-2": "soc2"}.get(each, each) for each in listed]
    category = extension.get("datacategory")
    said = [_EXTENSION.get(category, "personal")] if category else []
    data = record["data"]
    if kind == "security":
        fixed = {"phi_access": ["phi"], "cardholder_data_access": ["cardholder"]}.get(data["kind"])
        names = fixed or said or ["none"]
    else:
        names = [*data.get("data_categories", []), *said]
    categories = {_category(name) for name in names}
    if not categories:
        return
    found["data_categories"] = sorted(categories)
    for name, of in _ABOUT.items():
        if of & categories:
            found[name] = True
        elif "unknown" not in categories:
            found[name] = False


def _category(name: str) -> str:
    spelt = word(name[:64])
    return next((each for each, spellings in _CATEGORIES.items() if spelt in spellings), "unknown")


def _attribute(kind: str, text: str, at: str) -> Any:
    if kind == "word":
        return word(text[:64]) or None
    if kind == "bool":
        return {"true": True, "false": False}.get(text.strip().lower())
    if kind == "int":
        return int(text) if re.fullmatch(r"[+-]?[0-9]{1,15}", text, re.ASCII) and text.isascii() else None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        return None
    return math.ceil((datetime.fromisoformat(at).astimezone(UTC) - when).total_seconds() / 3600)
