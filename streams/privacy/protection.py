"""What is stored of a security or processing event: pseudonyms, masked texts, and values still to be sealed."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple
from unicodedata import normalize

import msgspec

from schemas.events import Processing, ProcessingEvent, Security, SecurityEvent
from schemas.personal import PERSONS, RECORDS_OF_PERSONS, DataClass
from streams.privacy import cards, freetext
from streams.privacy.pseudonyms import Pseudonyms, joined
from streams.privacy.rules import Classes

HIDDEN: Mapping[DataClass, str] = {"phi": "[phi]", "secret": "[secret]"}
"""What stands in the place of a value that has no pseudonym."""

_FIELDS = {
    kind: [name for name in struct.__struct_fields__ if name not in ("service", "tenant")]
    for kind, struct in (("security", Security), ("processing", Processing))
}
_TEXTS = {
    "security": ("actor", "address", "target", "action", "reason", "purpose"),
    "processing": ("data_subject", "purpose", "consent_id", "actor", "recipient", "location", "operation"),
}
"""Fields in which a publisher may write what it likes; the others are of fixed sets, or no texts."""

SHORTEST_NAME = 3
"""Characters of an identifier that is looked for in the other texts of its event."""


class Secret(msgspec.Struct, frozen=True, gc=False):
    """A value on its way to be sealed: it leaves the worker only as a ciphertext."""

    tenant: str
    person: str
    """The pseudonym of the person under whose key it is sealed."""
    field: str
    text: str
    record_ms: int
    """When the record came to Kafka: what is older than the person's erasure is not sealed."""


class Protected(NamedTuple):
    """What may be stored of an event."""

    fields: dict[str, Any]
    """Every field of ``data`` but service and tenant, in the order of its type."""
    event_id: str
    source: str
    secrets: tuple[Secret, ...]


class Protection:
    """Without ``pseudonyms``, because there are no keys, identifiers stay as they are; everything else holds."""

    def __init__(self, classes: Classes, pseudonyms: Pseudonyms | None) -> None:
        self.class_of = classes.of
        self.pseudonyms = pseudonyms
        self.classified = {kind: [(name, classes.of(kind, name)) for name in names] for kind, names in _TEXTS.items()}
        """Event -> its fields with texts of its publisher's own -> the class of each."""

    def __call__(self, event: SecurityEvent | ProcessingEvent, record_ms: int) -> Protected:
        """What is stored of ``event``, whose record came to Kafka at ``record_ms``."""
        return _Event(self, event, record_ms).protected()

    def text(self, text: str) -> str:
        """A text that belongs to no person in particular."""
        return freetext.masked(text)

    def key(self, tenant: str, values: Sequence[str]) -> bytes:
        """12 bytes by which events about the same are told from others; pseudonyms, where there are keys."""
        if self.pseudonyms is not None:
            return self.pseudonyms.together(tenant, values)
        return sha256(joined(tenant, list(map(without_cards, values)))).digest()[:12]


class _Event:
    """One event: its person, and the names that must not be found in its texts."""

    def __init__(self, protection: Protection, event: SecurityEvent | ProcessingEvent, record_ms: int) -> None:
        self.event = event
        self.kind = "security" if type(event) is SecurityEvent else "processing"
        self.protection = protection
        self.record_ms = record_ms
        self.secrets: list[Secret] = []
        self.names: dict[str, str] = {}
        """Identifiers of the event that its texts may repeat -> their pseudonyms."""
        self.texts: list[tuple[dict[str, Any], str]] = []
        """Where unclassified texts stand."""

    def protected(self) -> Protected:
        """Classified values first: the others may repeat them."""
        event, data = self.event, self.event.data
        fields = {name: getattr(data, name) for name in _FIELDS[self.kind]}
        envelope: dict[str, Any] = {"id": event.id, "source": event.source}
        for name, found in self.protection.classified[self.kind]:
            if value := fields[name]:
                self._place(fields, name, name, value, found)
        if data.attributes:
            attributes = fields["attributes"] = dict(data.attributes)
            for name, value in attributes.items():
                if value:
                    found = self.protection.class_of(self.kind, f"attributes.{name}")
                    self._place(attributes, name, f"attributes.{name}", value, found)
        for place, name in (*self.texts, (envelope, "id"), (envelope, "source")):
            place[name] = self._kept(place[name])
        if self.kind == "processing":
            fields["data_categories"] = [self._kept(name) for name in fields["data_categories"]]
        return Protected(fields, envelope["id"], envelope["source"], tuple(self.secrets))

    def _place(self, place: dict[str, Any], name: str, field: str, value: str, found: DataClass | None) -> None:
        if found is None and field == "target" and getattr(self.event.data, "kind", "") in RECORDS_OF_PERSONS:
            found = "direct_identifier"
        if found is None:
            self.texts.append((place, name))
        elif found == "cardholder":
            place[name] = cards.without_digits(value)
            self.texts.append((place, name))
        elif found == "secret":
            place[name] = HIDDEN["secret"]
        elif found == "public" or self.protection.pseudonyms is None:
            place[name] = cards.truncated(value)
        else:
            place[name] = self._sealed(self.protection.pseudonyms, found, field, value)

    def _sealed(self, pseudonyms: Pseudonyms, found: DataClass, field: str, value: str) -> str:
        """A value that has a person: it is sealed under that person's key, without the digits of any card."""
        tenant = self.event.data.tenant
        own = pseudonyms.of(tenant, value)
        about = getattr(self.event.data, PERSONS[self.kind]) if found != "direct_identifier" else ""
        person = pseudonyms.of(tenant, about) if about else own
        self.secrets.append(Secret(tenant, person, field, without_cards(value), self.record_ms))
        if found == "phi":
            return HIDDEN["phi"]
        if len(value) >= SHORTEST_NAME:
            self.names[value] = own
        return own

    def _kept(self, text: str) -> str:
        masked = freetext.masked(text)
        return self._without_names(masked) if self.names else masked

    def _without_names(self, text: str) -> str:
        lower = text.lower()
        for name, pseudonym in self.names.items():
            if not name.isascii() or name.lower() in lower:
                text = _by_itself(name).sub(pseudonym, text)
        return text


def without(name: str, pseudonym: str, text: str) -> str:
    """A text that somebody wrote about a person, as it may be kept."""
    return freetext.masked(_by_itself(name).sub(pseudonym, text))


@lru_cache(4_096)
def _by_itself(name: str) -> re.Pattern[str]:
    """A name in a text, in any case and with letters composed or not, but not within a longer word.

    Some letters have another number of letters in another case, such as ß, of which ``re.IGNORECASE`` knows nothing.
    """
    cases = {name, name.lower(), name.upper(), name.casefold()}
    forms = {name} if name.isascii() else cases | {normalize(form, each) for each in cases for form in ("NFC", "NFD")}
    before, after = (r"(?<!\w)" if name[0].isalnum() else ""), (r"(?!\w)" if name[-1].isalnum() else "")
    either = "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
    return re.compile(f"{before}(?:{either}){after}", re.IGNORECASE)


without_cards = lru_cache(16_384)(cards.truncated)

UNKEYED = Protection(Classes(), None)
"""For whoever has no keys, such as a benchmark."""
