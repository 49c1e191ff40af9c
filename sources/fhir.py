"""FHIR R4 resources, one a line or one a file: AuditEvent, Consent and Provenance as acts of data processing.

https://hl7.org/fhir/R4/auditevent.html, consent.html, provenance.html. What a resource does not say stays unknown, so
that no policy counts it as compliant.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import msgspec

from schemas.events import Processing, ProcessingEvent
from schemas.failures import Rejected
from sources import Options

NAME = "fhir"
DESCRIPTION = "FHIR R4 AuditEvent, Consent and Provenance, one resource a line or a file: acts of data processing."

ACTIONS = {"C": "create", "R": "read", "U": "update", "D": "delete", "E": "execute"}
"""http://hl7.org/fhir/audit-event-action"""

PURPOSES = {
    **dict.fromkeys(("TREAT", "CLINTRCH", "CAREMGT"), "treatment"),
    **dict.fromkeys(("HPAYMT", "CLMATTCH", "COVERAGE"), "payment"),
    **dict.fromkeys(("HOPERAT", "HSYSADMIN", "RECORDMGT"), "operations"),
    **dict.fromkeys(("ETREAT", "BTG"), "emergency"),
    **dict.fromkeys(("HMARKT",), "marketing"),
    **dict.fromkeys(("HRESCH",), "research"),
    **dict.fromkeys(("PATRQT", "FAMRQT", "PWATRNY"), "patient_request"),
    **dict.fromkeys(("PUBHLTH",), "public_health"),
}
"""http://terminology.hl7.org/CodeSystem/v3-ActReason -> purpose, as policies know it."""

PATIENT = "1"
"""http://terminology.hl7.org/CodeSystem/object-role"""

OF_NOBODY = frozenset({"110100", "110114", "110113"})
"""Types of AuditEvents about systems and sign-in: https://dicom.nema.org/medical/dicom/current/output/chtml/part16/"""

DESTINATIONS = frozenset({"110152", "110154"})
"""Agents that received something: DICOM's Destination Role ID and Destination Media."""


def detect(name: str, first: bytes) -> bool:
    """Every resource names its type, these three among the first of what they say."""
    begin = b"".join(first[:200].split())
    return any(b'"resourceType":"%b"' % kind in begin for kind in (b"AuditEvent", b"Consent", b"Provenance"))


def events(lines: Iterable[bytes], options: Options) -> Iterator[ProcessingEvent]:
    """One act a resource. Raises ``Rejected`` with the number of the resource that is none of the three."""
    for number, text in enumerate(_resources(iter(lines)), 1):
        try:
            resource = msgspec.json.decode(text)
            yield _EVENTS[resource["resourceType"]](resource)
        except (
            msgspec.MsgspecError,
            UnicodeDecodeError,
            RecursionError,
            AttributeError,
            LookupError,
            TypeError,
            ValueError,
        ):
            raise Rejected(f"{options.name}, resource {number}: no AuditEvent, Consent or Provenance of R4") from None


def _resources(lines: Iterator[bytes]) -> Iterator[bytes]:
    """The texts of the resources: each line is one, or all lines together are."""
    first = next(lines, b"")
    try:
        msgspec.json.decode(first)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        yield first + b"".join(lines)
    else:
        yield from (line for line in chain([first], lines) if line.strip())


def audit_event(resource: dict[str, Any]) -> ProcessingEvent:
    """Who did what to whose record, and how it ended."""
    about = _patient(resource)
    agents = resource.get("agent") or []
    requestor: dict[str, Any] = next((agent for agent in agents if agent.get("requestor")), {})
    receivers = [agent for agent in agents if _codes(agent.get("type")) & DESTINATIONS]
    outcome = resource.get("outcome")
    kind = (resource.get("subtype") or [resource["type"]])[0]
    return _event(
        resource,
        resource["recorded"],
        operation=ACTIONS.get(resource.get("action", ""), str(kind.get("code") or "audit")),
        data_categories=["phi"] if about else ["none"] if resource["type"]["code"] in OF_NOBODY else [],
        data_subject=about,
        purpose=_purpose(resource.get("purposeOfEvent")),
        actor=_who(requestor),
        recipient=_who(receivers[0]) if receivers else "",
        attributes={
            "audit": str(kind.get("display") or kind.get("code") or "")[:200],
            **({"outcome": "success" if outcome == "0" else "failure"} if outcome else {}),
        },
    )


def consent(resource: dict[str, Any]) -> ProcessingEvent:
    """A patient's decision, recorded. An opt-out is no processing that relies on a consent: it has no legal basis."""
    rule = _codes(resource.get("policyRule"))
    provision = resource.get("provision") or {}
    given = "OPTIN" in rule and resource.get("status") == "active"
    end = (provision.get("period") or {}).get("end")
    return _event(
        resource,
        resource["dateTime"],
        operation="consent_given" if given else "consent_refused",
        data_categories=["phi"],
        data_subject=_who({"who": resource["patient"]}),
        purpose=_purpose([{"coding": provision.get("purpose") or []}]),
        legal_basis="consent" if given else "",
        consent=given if rule & {"OPTIN", "OPTOUT"} else None,
        consent_id=f"Consent/{resource['id']}",
        actor=_who({"who": (resource.get("performer") or [{}])[0]}),
        attributes={"consent_expires_at": _time(end).isoformat()} if end and given else {},
    )


def provenance(resource: dict[str, Any]) -> ProcessingEvent:
    """Who made a resource, and why. Whose it is, it does not say."""
    agents = resource.get("agent") or [{}]
    activity = _codes(resource.get("activity"))
    return _event(
        resource,
        resource["recorded"],
        operation=min(activity).lower() if activity else "create",
        data_categories=["phi"],
        purpose=_purpose(resource.get("reason")),
        actor=_who(agents[0]),
        attributes={"target": str(resource["target"][0].get("reference") or "")[:200]},
    )


_EVENTS = {"AuditEvent": audit_event, "Consent": consent, "Provenance": provenance}


def _event(resource: dict[str, Any], at: str, **data: Any) -> ProcessingEvent:
    source = resource.get("source") or {}
    observer = _who({"who": source.get("observer") or {}})
    return ProcessingEvent(
        specversion="1.0",
        id=f"{resource['resourceType']}/{resource['id']}",
        source=f"/fhir/{source.get('site') or resource['resourceType']}"[:512],
        time=_time(at),
        data=Processing(service=observer[:200] or "fhir", **data),
    )


def _patient(resource: dict[str, Any]) -> str:
    for entity in resource.get("entity") or []:
        what = entity.get("what") or {}
        if (entity.get("role") or {}).get("code") == PATIENT or str(what.get("reference", "")).startswith("Patient/"):
            return _who({"who": what}) or str(entity.get("name") or "")[:4096]
    return ""


def _who(agent: dict[str, Any]) -> str:
    who = agent.get("who") or {}
    named = who.get("reference") or (who.get("identifier") or {}).get("value") or agent.get("altId")
    return str(named or who.get("display") or agent.get("name") or "")[:4096]


def _codes(concept: dict[str, Any] | None) -> set[str]:
    return {str(coding.get("code")) for coding in (concept or {}).get("coding") or []}


def _purpose(concepts: list[dict[str, Any]] | None) -> str:
    codes = [code for concept in concepts or [] for code in sorted(_codes(concept))]
    return next((PURPOSES[code] for code in codes if code in PURPOSES), "")


def _time(text: str) -> datetime:
    """FHIR's instants, and its days, which begin at midnight UTC here."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
