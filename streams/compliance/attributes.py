"""The entries of ``attributes`` that policies know: what nobody could put into the fields of every event.

A policy file may declare more, for itself and all others. An entry that is not written as its type says is as one that
is not there.
"""

import re
from datetime import UTC, datetime
from typing import Literal, NamedTuple

AttributeType = Literal["bool", "int", "word", "time"]
"""``bool``: true or false; ``int``: a whole number; ``word``: a short text, compared without case; ``time``: RFC 3339,
which policies see as hours."""

LONGEST = 64  # characters looked at in a text; every word that a policy knows is shorter

_INTEGER = re.compile(r"[+-]?[0-9]{1,15}")
_TRUTHS = {"true": True, "false": False}


class Attribute(NamedTuple):
    """One entry."""

    type: AttributeType
    says: str


SHIPPED: dict[str, Attribute] = {
    # lawfulness
    "consent_withdrawn_at": Attribute("time", "When the data subject withdrew the consent that is relied on."),
    "consent_expires_at": Attribute("time", "Until when the consent that is relied on was given."),
    "collected_for": Attribute("word", "The purpose that the data were collected for."),
    "compatible_purpose": Attribute("bool", "Whether the purpose was assessed as compatible with that of collection."),
    "fields_used": Attribute("int", "How many fields of a record were used."),
    "fields_needed": Attribute("int", "How many fields of a record the purpose needs."),
    "subject_age": Attribute("int", "Age of the data subject in years."),
    "parental_consent": Attribute("bool", "Whether a holder of parental responsibility has consented."),
    "automated_decision": Attribute("bool", "Whether a decision of weight was taken by machines alone."),
    "human_review": Attribute("bool", "Whether a person looks at the decision when the data subject asks."),
    "objected": Attribute("bool", "Whether the data subject has objected to this processing."),
    "restricted": Attribute("bool", "Whether the data subject has had this processing restricted."),
    # transfers
    "transfer_safeguard": Attribute("word", "What protects a transfer: scc, bcr, dpf or derogation."),
    "processor_contract": Attribute("bool", "Whether a contract binds whoever received the data."),
    # retention, requests, breaches
    "delete_by": Attribute("time", "When the data have to be deleted."),
    "legal_hold": Attribute("bool", "Whether a legal hold forbids to delete the data."),
    "request_received_at": Attribute("time", "When the data subject's request arrived."),
    "request_extended": Attribute("bool", "Whether the data subject was told within a month that it takes longer."),
    "machine_readable": Attribute("bool", "Whether a copy was given in a structured format that machines read."),
    "breach_detected_at": Attribute("time", "When the breach became known."),
    "high_risk": Attribute("bool", "Whether the breach is likely to be a high risk to people."),
    "subjects_informed": Attribute("bool", "Whether the people concerned were told of the breach."),
    # health information
    "minimum_necessary": Attribute("bool", "Whether the request was limited to what its purpose needs."),
    "treatment_relationship": Attribute("bool", "Whether the actor takes part in treating this patient."),
    "emergency": Attribute("bool", "Whether the ordinary access control was overridden for an emergency."),
    "emergency_reason": Attribute("word", "Why, such as unconscious_patient."),
    "reviewed": Attribute("bool", "Whether somebody has reviewed the access afterwards."),
    "patient_authorization": Attribute("bool", "Whether the patient has authorised this use in writing."),
    "business_associate_agreement": Attribute("bool", "Whether an agreement binds the business associate."),
    "session_idle_minutes": Attribute("int", "Minutes without activity before the session acted again."),
    # cardholder data
    "digits_shown": Attribute("int", "How many digits of the card number were shown."),
    "sensitive_authentication_data": Attribute("bool", "Whether track data, a card code or a PIN is among the data."),
    "tls_version": Attribute("word", "The version of TLS on the way: 1.2, 1.3."),
    "network": Attribute("word", "What the data travelled over: public, private."),
    # access, changes, incidents
    "account_status": Attribute("word", "Of the actor's account: active, dormant, disabled, terminated."),
    "employment_ended_at": Attribute("time", "When the person behind the account left."),
    "credential_age_days": Attribute("int", "Age of the password or key that was used, days."),
    "approved": Attribute("bool", "Whether the change was approved."),
    "approved_by_author": Attribute("bool", "Whether the one who made the change approved it."),
    "tested": Attribute("bool", "Whether the change was tested before it went live."),
    "access_reviewed_at": Attribute("time", "When the rights of the account were last reviewed."),
    "incident_detected_at": Attribute("time", "When the incident was detected."),
    "incident_severity": Attribute("word", "critical, high, medium or low."),
    "root_cause": Attribute("bool", "Whether the cause of the incident was found and recorded."),
}  # fmt: skip
"""What the shipped policies look at."""


def parsed(kind: AttributeType, text: str, at: datetime) -> bool | int | str | None:
    """An entry as policies see it; None when it is not written as ``kind`` says.

    A time becomes the hours from it to ``at``, rounded up: comparing them with ``<=`` and ``>`` is exact.
    """
    if kind == "word":
        return word(text[:LONGEST]) or None
    if kind == "bool":
        return _TRUTHS.get(text.strip().lower())
    if kind == "int":
        return int(text) if _INTEGER.fullmatch(text) else None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    if instant.tzinfo is None:
        return None  # it names no instant
    seconds = (at.astimezone(UTC) - instant).total_seconds()
    return int(-(-seconds // 3600))


def word(text: str) -> str:
    """A text with what only looks different made equal: case, spaces, hyphens and underscores."""
    return "_".join(text.lower().replace("-", " ").replace("_", " ").split())
