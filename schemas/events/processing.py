"""Processing events: what was done with whose data, and on which ground."""

from typing import Annotated, Literal

import msgspec

from schemas.events.envelope import DEFAULT_TENANT, Envelope, Labels, Name, Text


class Processing(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """One act of data processing. A field left out is unknown: no policy counts it as compliant."""

    service: Name
    operation: Name
    """What was done: ``read``, ``write``, ``export``, ``share``, ``delete`` or a name of the service's own."""
    data_categories: list[Name] = []
    """What kind of data: ``personal``, ``special-category``, ``phi``, ``cardholder``, ``pseudonymous``, ``none`` ..."""
    data_subject: Text = ""
    purpose: Text = ""
    legal_basis: Literal[
        "",
        "consent",
        "contract",
        "legal_obligation",
        "vital_interests",
        "public_task",
        "legitimate_interests",
    ] = ""
    """GDPR art. 6(1) (a) to (f); empty: not stated."""
    consent: bool | None = None
    consent_id: Text = ""
    actor: Text = ""
    recipient: Text = ""
    location: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """Where it is processed: an ISO 3166 country code or ``EU``."""
    encrypted: bool | None = None
    retention_days: Annotated[int, msgspec.Meta(ge=0, le=100_000)] | None = None
    attributes: Labels = {}
    tenant: Name = DEFAULT_TENANT


class ProcessingEvent(Envelope, frozen=True, kw_only=True, gc=False, tag="tidewatch.processing"):
    """An act of data processing done by a service."""

    data: Processing


EXAMPLE = {
    "specversion": "1.0",
    "type": "tidewatch.processing",
    "id": "c901",
    "source": "/profile-api/2",
    "time": "2026-11-22T10:15:32Z",
    "data": {
        "service": "profile-api",
        "operation": "export",
        "data_categories": ["personal"],
        "data_subject": "user-123",
        "purpose": "user_request",
        "legal_basis": "consent",
        "consent": True,
        "consent_id": "consent-123",
        "location": "EU",
        "encrypted": True,
        "retention_days": 30,
    },
}
