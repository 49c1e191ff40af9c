"""What policies may look at: the stated facts of an event that have few values.

Identities are reduced to whether they are stated, so that no reason can quote a person and verdicts about equal facts
can be remembered.
"""

import re
from typing import Literal, NamedTuple

from schemas.events import Processing, ProcessingEvent, Security, SecurityEvent

PERSONAL = frozenset({"personal", "special-category", "phi", "cardholder", "pseudonymous"})
"""Categories of data about an identifiable person; pseudonymous data are still about one (GDPR, recital 26)."""

SPECIAL = frozenset({"special-category", "phi"})
"""Special categories of GDPR art. 9; health data are among them."""

PHI = frozenset({"phi"})
CARDHOLDER = frozenset({"cardholder"})

_SPELLINGS = {
    **{name: name for name in PERSONAL},
    "none": "none",
    "public": "none",
    "personal-data": "personal",
    "pii": "personal",
    "pseudonymised": "pseudonymous",
    "pseudonymized": "pseudonymous",
    "health": "phi",
    "cardholder-data": "cardholder",
    "card-number": "cardholder",
    "pan": "cardholder",
}
# A security event of another kind says nothing about data that only these policies know: it is about none of them.
_CATEGORIES_OF_KIND = {"phi_access": ("phi",), "cardholder_data_access": ("cardholder",)}
_SHARED_ACCOUNTS = frozenset({"root", "admin", "administrator", "shared", "guest", "anonymous", "system", "service"})
_COUNTRY = re.compile("[A-Z]{2}|EEA")
_LONGEST = 64  # characters looked at in a free text; every word that a policy knows is shorter

RawFacts = tuple[object, ...]
"""The fields of ``Facts``, in their order, as the event spells them: cheap to take, to compare and to remember."""


class Facts(NamedTuple):
    """The facts. None and the empty text mean that the event does not say."""

    event: Literal["security", "processing"]
    act: str
    """The kind of a security event, the operation of a processing event."""
    outcome: str
    data_categories: tuple[str, ...]
    """As policies spell them; ``unknown`` for a category that no policy knows."""
    purpose: str
    legal_basis: str
    consent: bool | None
    consent_id: bool | None
    """True when one is stated."""
    actor: Literal["person", "shared"] | None
    """Whether the stated actor is an account that several people use."""
    authorized: bool | None
    mfa: bool | None
    encrypted: bool | None
    location: str
    """A country code of ISO 3166, ``UK``, ``EU`` or ``EEA``; empty when what is stated is none."""
    transfer_safeguard: str
    """The attribute of this name."""
    retention_days: int | None

    def holds(self, categories: frozenset[str]) -> bool | None:
        """Whether the data are of one of the categories; None when the event leaves it open."""
        if not categories.isdisjoint(self.data_categories):
            return True
        return None if not self.data_categories or "unknown" in self.data_categories else False

    @property
    def refused(self) -> bool:
        """Whether the act did not take place."""
        return self.outcome in ("denied", "failure")

    def states(self, name: str) -> bool:
        """Whether the event says anything about the fact of this name."""
        return getattr(self, name) not in (None, "")


def raw_facts(event: SecurityEvent | ProcessingEvent) -> RawFacts:
    """The facts of an event, not yet spelt as policies spell them."""
    return _of_security(event.data) if isinstance(event, SecurityEvent) else _of_processing(event.data)


def _of_security(data: Security) -> RawFacts:
    return (
        "security",
        data.kind,
        "" if data.outcome == "unknown" else data.outcome,
        _CATEGORIES_OF_KIND.get(data.kind, ("none",)),
        data.purpose[:_LONGEST],
        "",
        None,
        None,
        _actor(data.actor),
        data.authorized,
        data.mfa,
        data.encrypted,
        "",
        "",
        None,
    )


def _of_processing(data: Processing) -> RawFacts:
    return (
        "processing",
        data.operation,
        "",
        tuple(data.data_categories),
        data.purpose[:_LONGEST],
        data.legal_basis,
        data.consent,
        True if data.consent_id else None,
        _actor(data.actor),
        None,
        None,
        data.encrypted,
        data.location,
        data.attributes.get("transfer_safeguard", "")[:_LONGEST],
        data.retention_days,
    )


def _actor(name: str) -> str | None:
    if not name:
        return None
    return "shared" if name.lower() in _SHARED_ACCOUNTS else "person"


def facts(raw: RawFacts) -> Facts:
    """The facts, with words that differ only in case, spaces, hyphens or underscores made equal."""
    stated = Facts(*raw)  # type: ignore[arg-type]  # raw_facts fills the fields in order
    location = stated.location.strip().upper()
    return stated._replace(
        act=_word(stated.act, "_"),
        data_categories=tuple(_SPELLINGS.get(_word(name, "-"), "unknown") for name in stated.data_categories),
        purpose=_word(stated.purpose, "_"),
        location=location if _COUNTRY.fullmatch(location) else "",
        transfer_safeguard=_word(stated.transfer_safeguard, "_"),
    )


def _word(text: str, joint: str) -> str:
    return joint.join(text.lower().replace("-", " ").replace("_", " ").split())
