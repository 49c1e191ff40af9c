"""Processing events: what was done with whose data, and on which ground."""

from typing import Annotated, Literal

import msgspec

from schemas.events.envelope import DEFAULT_TENANT, ClassifiedEnvelope, Identifier, Labels, Name, Text


class Processing(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """One act of data processing. A field left out is unknown: no policy counts it as compliant."""

    service: Name
    """The service that did it."""
    operation: Name
    """What was done: ``read``, ``write``, ``export``, ``share``, ``delete`` or a name of the service's own."""
    data_categories: list[Name] = []
    """What kind of data: ``personal``, ``special-category``, ``phi``, ``cardholder``, ``pseudonymous``, ``none`` ..."""
    data_subject: Identifier = ""
    """Whose data: an identifier of the person, pseudonymous where possible."""
    purpose: Text = ""
    """What for, such as ``treatment`` or ``user_request``."""
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
    """Whether the data subject has consented; null: not stated."""
    consent_id: Annotated[str, msgspec.Meta(max_length=4096, extra={"class": "quasi_identifier"})] = ""
    """Where the consent is recorded."""
    actor: Identifier = ""
    """Who did it: a user, a role, a job."""
    recipient: Identifier = ""
    """Who received the data, when somebody did."""
    location: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """Where it is processed: an ISO 3166 country code or ``EU``."""
    encrypted: bool | None = None
    """Whether the data are encrypted on the way and at rest; null: not stated."""
    retention_days: Annotated[int, msgspec.Meta(ge=0, le=100_000)] | None = None
    """For how long the data are kept; null: not stated."""
    attributes: Labels = {}
    """Anything else worth keeping, such as ``transfer_safeguard``."""
    tenant: Name = DEFAULT_TENANT
    """Whose data these are, where several organisations share an installation."""


class ProcessingEvent(ClassifiedEnvelope, frozen=True, kw_only=True, gc=False, tag="tidewatch.processing"):
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
