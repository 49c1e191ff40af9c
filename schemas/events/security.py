"""Security events: who did what to which target, and how it ended."""

from typing import Annotated, Literal

import msgspec

from schemas.events.envelope import DEFAULT_TENANT, ClassifiedEnvelope, Identifier, Labels, Name, Text

SecurityKind = Literal[
    "auth_success",
    "auth_failure",
    "unauthorized_attempt",
    "data_access",
    "secret_access",
    "privileged_action",
    "policy_change",
    "policy_violation",
    "phi_access",
    "cardholder_data_access",
    "api_call",
    "other",
]


class Security(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """One security-relevant act."""

    service: Name
    """The service that saw it."""
    kind: SecurityKind
    """What was tried."""
    outcome: Literal["success", "failure", "denied", "unknown"] = "unknown"
    """How it ended; ``denied``: permission was refused."""
    actor: Identifier = ""
    """Who acted: a user, a role, a key id."""
    address: Annotated[str, msgspec.Meta(max_length=128, extra={"class": "quasi_identifier"})] = ""
    """Where the actor came from: an IP address or a host name."""
    target: Text = ""
    """What was acted on: a secret, a bucket, a record."""
    action: Text = ""
    """What was asked for, in the source's own words, such as ``GetSecretValue``."""
    reason: Text = ""
    """Why it ended so, in the words of the source."""
    purpose: Text = ""
    """Why the data was needed, such as ``treatment``; judged by compliance policies."""
    encrypted: bool | None = None
    """Whether the data were encrypted on the way and at rest; null: not stated."""
    authorized: bool | None = None
    """Whether the actor was allowed to; null: not stated."""
    mfa: bool | None = None
    """Whether a second factor was given; null: not stated."""
    attributes: Labels = {}
    """Anything else worth keeping."""
    tenant: Name = DEFAULT_TENANT
    """Whose data these are, where several organisations share an installation."""


class SecurityEvent(ClassifiedEnvelope, frozen=True, kw_only=True, gc=False, tag="tidewatch.security"):
    """A security event seen by a service."""

    data: Security


EXAMPLE = {
    "specversion": "1.0",
    "type": "tidewatch.security",
    "id": "b7d2",
    "source": "/sshd/ip-10-77-20-248",
    "time": "2026-11-22T10:15:31Z",
    "data": {
        "service": "sshd",
        "kind": "auth_failure",
        "outcome": "failure",
        "actor": "root",
        "address": "203.0.113.9",
        "reason": "Failed password",
    },
}
