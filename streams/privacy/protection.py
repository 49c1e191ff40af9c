"""What is stored of a security or processing event: pseudonyms, masked texts, and values still to be sealed."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from schemas.events import ProcessingEvent, SecurityEvent
from schemas.personal import PERSONS, RECORDS_OF_PERSONS, DataClass
from streams.privacy import cards, freetext
from streams.privacy.pseudonyms import Pseudonyms
from streams.privacy.rules import Classes

HIDDEN: Mapping[DataClass, str] = {"phi": "[phi]", "secret": "[secret]"}
"""What stands in the place of a value that has no pseudonym."""

_NO_TEXTS = frozenset({"service", "tenant", "kind", "outcome", "legal_basis"})
"""Names of systems and values of fixed sets: nothing is looked for in them."""

_SHORTEST_NAME = 3
"""Characters of an identifier that is looked for in the other texts of its event."""


class Secret(NamedTuple):
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
    secrets: list[Secret]


class Protection:
    """Without ``pseudonyms``, because there are no keys, identifiers stay as they are; everything else holds."""

    def __init__(self, classes: Classes, pseudonyms: Pseudonyms | None) -> None:
        self._class_of = classes.of
        self._pseudonyms = pseudonyms

    def __call__(self, event: SecurityEvent | ProcessingEvent, record_ms: int) -> Protected:
        """What is stored of ``event``, whose record came to Kafka at ``record_ms``."""
        return _Event(self._class_of, self._pseudonyms, event, record_ms).protected()

    def text(self, text: str) -> str:
        """A text that belongs to no person in particular."""
        return freetext.masked(text)


class _Event:
    """One event: its person, and the names that must not be found in its texts."""

    def __init__(
        self,
        class_of: Callable[[str, str], DataClass | None],
        pseudonyms: Pseudonyms | None,
        event: SecurityEvent | ProcessingEvent,
        record_ms: int,
    ) -> None:
        self.event = event
        self.kind = "security" if isinstance(event, SecurityEvent) else "processing"
        self.class_of = class_of
        self.pseudonyms = pseudonyms
        self.record_ms = record_ms
        self.secrets: list[Secret] = []
        self.names: dict[str, str] = {}
        """Identifiers of the event -> their pseudonyms."""
        self.texts: list[tuple[dict[str, Any], str]] = []
        """Where unclassified texts stand."""

    def protected(self) -> Protected:
        """Classified values first: the others may repeat them."""
        data = self.event.data
        fields = {name: getattr(data, name) for name in data.__struct_fields__ if name not in ("service", "tenant")}
        envelope: dict[str, Any] = {"id": self.event.id, "source": self.event.source}
        attributes = fields["attributes"] = dict(data.attributes)
        for name, value in fields.items():
            if value and isinstance(value, str) and name not in _NO_TEXTS:
                self._place(fields, name, name, value)
        if "data_categories" in fields:
            fields["data_categories"] = [freetext.masked(name) for name in fields["data_categories"]]
        for name, value in attributes.items():
            if value:
                self._place(attributes, name, f"attributes.{name}", value)
        for place, name in (*self.texts, (envelope, "id"), (envelope, "source")):
            place[name] = self._without_names(freetext.masked(place[name]))
        return Protected(fields, envelope["id"], envelope["source"], self.secrets)

    def _place(self, place: dict[str, Any], name: str, field: str, value: str) -> None:
        found = self.class_of(self.kind, field)
        if found is None and field == "target" and getattr(self.event.data, "kind", "") in RECORDS_OF_PERSONS:
            found = "direct_identifier"
        if found is None:
            self.texts.append((place, name))
        elif found == "public":
            place[name] = cards.truncated(value)
        elif found == "cardholder":
            place[name] = cards.without_digits(value)
        elif found == "secret":
            place[name] = HIDDEN["secret"]
        elif self.pseudonyms is not None:
            place[name] = self._sealed(self.pseudonyms, found, field, value)
        else:
            place[name] = cards.truncated(value)

    def _sealed(self, pseudonyms: Pseudonyms, found: DataClass, field: str, value: str) -> str:
        """A value that has a person: it is sealed under that person's key, without the digits of any card."""
        tenant = self.event.data.tenant
        own = pseudonyms.of(tenant, value)
        about = getattr(self.event.data, PERSONS[self.kind]) if found != "direct_identifier" else ""
        person = pseudonyms.of(tenant, about) if about else own
        self.secrets.append(Secret(tenant, person, field, cards.truncated(value), self.record_ms))
        if found == "phi":
            return HIDDEN["phi"]
        self.names[value] = own
        return own

    def _without_names(self, text: str) -> str:
        for name, pseudonym in self.names.items():
            if len(name) >= _SHORTEST_NAME and name.lower() in text.lower():
                text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", pseudonym, text, flags=re.IGNORECASE)
        return text
