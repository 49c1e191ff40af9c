"""How fields of events are classified as personal data, and what follows from each class.

A field's class stands in its type: ``msgspec.Meta(extra={"class": ...})``. Fields without one are free text or values
of a fixed set; texts are scanned before they are stored. Path rules of the configuration come before both.
"""

from typing import Any, Literal, get_args

import msgspec

DataClass = Literal["direct_identifier", "quasi_identifier", "phi", "cardholder", "secret", "public"]

CLASSES: dict[DataClass, str] = {
    "direct_identifier": "Names a person: stored as a pseudonym, and encrypted under that person's key.",
    "quasi_identifier": "May lead to a person together with other facts: stored as a pseudonym, and encrypted under "
    "the key of the person whom the event is about.",
    "phi": "Says something about a person's health: encrypted under the key of the person whom the event is about.",
    "cardholder": "Numbers of cards: only the first six and the last four digits are kept.",
    "secret": "A password, token or code: not kept.",
    "public": "Nothing that needs protection: kept as it is, but for the numbers of cards.",
}
"""What becomes of a value of each class before anything is stored."""

PERSONS = {"security": "actor", "processing": "data_subject"}
"""The field of each event type that says whom the event is about."""

RECORDS_OF_PERSONS = frozenset({"phi_access", "cardholder_data_access"})
"""Kinds of security events whose ``target`` is somebody's record, and so an identifier of that person."""


def classes(struct: type[msgspec.Struct]) -> dict[str, DataClass]:
    """Field -> its class, of the fields of an event's data that have one."""
    found = {field.name: _class(field.type) for field in msgspec.structs.fields(struct)}
    return {name: each for name, each in found.items() if each is not None}


def _class(annotation: Any) -> DataClass | None:
    for meta in getattr(annotation, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.extra and "class" in meta.extra:
            found: DataClass = meta.extra["class"]
            assert found in get_args(DataClass)
            return found
    return None
