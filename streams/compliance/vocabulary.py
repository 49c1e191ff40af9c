"""What policies may look at: typed variables generated from the event types, and their values in one event.

A variable that the event does not state has no value. Texts that identify somebody are reduced to whether they are
stated, so that no reason can quote a person and verdicts about equal facts can be remembered.
"""

import re
import types
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from schemas.classification import Classification, classification
from schemas.events import Processing, ProcessingEvent, Security, SecurityEvent
from streams.compliance.attributes import LONGEST, Attribute, parsed, word

EventType = Literal["security", "processing"]
VariableType = Literal["bool", "int", "text", "texts"]
Fact = bool | int | str | tuple[str, ...]

Facts = Mapping[str, Fact]
"""Variable -> its value; not there: not stated."""

RawFacts = tuple[object, ...]
"""What an event states, as it spells it: cheap to take, to compare and to remember."""

STRUCTS: dict[EventType, type[Security] | type[Processing]] = {"security": Security, "processing": Processing}

IDENTITIES = frozenset({"actor", "address", "consent_id", "data_subject", "reason", "recipient", "target"})
"""Texts that may name a person: policies see whether there is one (``known.actor``), and not who it is."""

_WORDS = frozenset({"operation", "purpose"})

SPELLINGS = {
    **dict.fromkeys(("personal", "personal_data", "pii"), "personal"),
    **dict.fromkeys(("pseudonymous", "pseudonymised", "pseudonymized"), "pseudonymous"),
    "special_category": "special-category",
    **dict.fromkeys(("phi", "health"), "phi"),
    **dict.fromkeys(("cardholder", "cardholder_data", "card_number", "pan"), "cardholder"),
    **dict.fromkeys(("none", "public"), "none"),
}
"""Categories of data as events write them -> as policies know them."""

ABOUT = {
    "is_personal": frozenset({"personal", "special-category", "phi", "cardholder", "pseudonymous"}),
    "is_special": frozenset({"special-category", "phi"}),
    "is_phi": frozenset({"phi"}),
    "is_cardholder": frozenset({"cardholder"}),
}
"""Variables for the categories of data. Pseudonymous data are still about a person (GDPR, recital 26); health data are
a special category (art. 9)."""

# A security event of another kind says nothing about data that only some policies know: it is about none of them.
_CATEGORIES_OF_KIND = {"phi_access": ("phi",), "cardholder_data_access": ("cardholder",)}
SHARED_ACCOUNTS = frozenset({"root", "admin", "administrator", "shared", "guest", "anonymous", "system", "service"})
_COUNTRY = re.compile("[A-Z]{2}|EEA")

DERIVED: dict[str, tuple[VariableType, str]] = {
    **{name: ("bool", f"Whether the data are {', '.join(sorted(of))}; not stated when the event leaves it open.")
       for name, of in ABOUT.items()},
    "refused": ("bool", "Whether the act did not take place: outcome denied or failure. Always stated."),
    "shared_account": ("bool", "Whether the actor is an account that several people use, such as root."),
    "classification": ("text", "The extension dataclassification: public, internal, confidential or restricted."),
    "regulations": ("texts", "The extension dataregulation: gdpr, hipaa, pci, soc2."),
}  # fmt: skip
"""What is not a field but follows from fields."""


def _fields(event: EventType) -> dict[str, VariableType]:
    """The fields of an event type that policies see as they are."""
    hints = {field.name: field.type for field in msgspec.structs.fields(STRUCTS[event])}
    return {name: _type(hint) for name, hint in hints.items() if name not in IDENTITIES | {"attributes"}}


def _type(hint: Any) -> VariableType:
    arms = [arm for arm in get_args(hint) if arm is not types.NoneType]
    if get_origin(hint) in (Union, types.UnionType) and len(arms) == 1:
        return _type(arms[0])
    if get_origin(hint) is list:
        return "texts"
    if hasattr(hint, "__metadata__"):
        return _type(hint.__origin__)
    return {bool: "bool", int: "int"}.get(hint, "text")  # type: ignore[return-value]


FIELDS: dict[EventType, dict[str, VariableType]] = {
    "security": _fields("security"),
    "processing": _fields("processing"),
}
_IDENTITIES = {event: tuple(sorted(IDENTITIES & set(struct.__struct_fields__))) for event, struct in STRUCTS.items()}
_OPTIONAL = {
    event: tuple(name for name, kind in fields.items() if name not in ("service", "tenant"))
    for event, fields in FIELDS.items()
}


class Vocabulary:
    """The variables of each event type, and how to find their values."""

    def __init__(self, attributes: Mapping[str, Attribute], without: frozenset[str] = frozenset()) -> None:
        """``without``: fields that no policy looks at and that need not be taken."""
        self._kinds = {name: attribute.type for name, attribute in attributes.items() if name not in without}
        self._taken = {
            event: tuple(name for name, kind in fields.items() if kind != "texts" and name not in without)
            for event, fields in FIELDS.items()
        }
        self._take: dict[EventType, Callable[[Any], tuple[Any, ...]]] = {
            event: attrgetter(*names) for event, names in self._taken.items()
        }

    def variables(self, event: EventType) -> dict[str, VariableType]:
        """Every variable that a policy about ``event`` may use."""
        found: dict[str, VariableType] = {**FIELDS[event], **{name: kind for name, (kind, _) in DERIVED.items()}}
        found["data_categories"] = "texts"
        for name in (*_OPTIONAL[event], *_IDENTITIES[event], *DERIVED):
            found[f"stated.{name}"] = "bool"
        found |= {f"known.{name}": "bool" for name in _IDENTITIES[event]}
        for name, kind in self._kinds.items():
            variable = attribute_variable(name, kind)
            found[variable] = {"bool": "bool", "word": "text"}.get(kind, "int")  # type: ignore[assignment]
            found[f"stated.{name}"] = "bool"
        return found

    def raw(self, event: SecurityEvent | ProcessingEvent) -> RawFacts:
        """What the event states about anything that a policy may look at."""
        data = event.data
        if isinstance(data, Security):
            kind: EventType = "security"
            listed: tuple[str, ...] = ()
            identities = (data.actor, data.address, data.reason, data.target)
        else:
            kind = "processing"
            listed = tuple(data.data_categories)
            identities = (data.actor, data.consent_id, data.data_subject, data.recipient)
        return (
            kind,
            self._take[kind](data),
            listed,
            tuple([text != "" for text in identities]),
            data.actor.lower() in SHARED_ACCOUNTS if data.actor else None,
            self._attributes(event) if data.attributes else (),
            None if event.dataclassification is msgspec.UNSET else classification(event),
        )

    def _attributes(self, event: SecurityEvent | ProcessingEvent) -> tuple[tuple[str, bool | int | str], ...]:
        kinds, found = self._kinds, []
        for name, text in event.data.attributes.items():
            if (kind := kinds.get(name)) is not None and (value := parsed(kind, text, event.time)) is not None:
                found.append((name, value))
        return tuple(found)

    def facts(self, raw: RawFacts) -> dict[str, Fact]:
        """The values of the variables. ``stated.x`` is true or false for every x, ``known.x`` true or not there."""
        event, fields, listed, identities, shared, attributes, extension = raw
        taken = dict(zip(self._taken[event], fields, strict=True))  # type: ignore[index, call-overload]
        found: dict[str, Fact] = {name: value for name, value in taken.items() if _states(name, value)}
        found |= _spelt(found)
        if "location" in found and not found["location"]:
            del found["location"]
        found["refused"] = found.get("outcome") in ("denied", "failure")
        if shared is not None:
            found["shared_account"] = shared  # type: ignore[assignment]
        self._classify(found, event, listed, extension)  # type: ignore[arg-type]
        for name, value in attributes:  # type: ignore[attr-defined]
            found[attribute_variable(name, self._kinds[name])] = value
        stated = {name for name, known in zip(_IDENTITIES[event], identities, strict=True) if known}  # type: ignore[index, call-overload]
        stated |= found.keys() | {name for name, _ in attributes}  # type: ignore[attr-defined]
        found |= {f"known.{name}": True for name in stated & IDENTITIES}
        names = (*_OPTIONAL[event], *_IDENTITIES[event], *DERIVED, *self._kinds)  # type: ignore[index]
        return {**found, **{f"stated.{name}": name in stated for name in names}}

    def _classify(
        self, found: dict[str, Fact], event: EventType, listed: tuple[str, ...], extension: Classification | None
    ) -> None:
        said = (extension.category,) if extension is not None and extension.category else ()
        if event == "security":
            listed = _CATEGORIES_OF_KIND.get(str(found.get("kind")), ()) or said or ("none",)
            categories = listed
        else:
            categories = tuple(SPELLINGS.get(word(name[:LONGEST]), "unknown") for name in listed) + said
        if extension is not None:
            found["classification"] = extension.level
            found["regulations"] = extension.regulations
        if not categories:
            return
        found["data_categories"] = tuple(dict.fromkeys(categories))
        for name, of in ABOUT.items():
            if not of.isdisjoint(categories):
                found[name] = True
            elif "unknown" not in categories:
                found[name] = False


def attribute_variable(name: str, kind: str) -> str:
    """How policies write an entry of ``attributes``: a time is seen as the hours since it."""
    return f"hours_since.{name}" if kind == "time" else f"attributes.{name}"


def field_of(variable: str) -> str:
    """What an event has to state for a variable to have a value, in the words of the event types."""
    if variable in ABOUT:
        return "data_categories"
    if variable in ("classification", "regulations"):
        return f"data{variable.removesuffix('s')}"
    head, _, name = variable.partition(".")
    return {"hours_since": f"attributes.{name}", "stated": name, "known": name}.get(head, variable).replace(
        "shared_account", "actor"
    )


def _states(name: str, value: object) -> bool:
    return value is not None and value != "" and not (name == "outcome" and value == "unknown")


def _spelt(found: Mapping[str, Fact]) -> dict[str, Fact]:
    spelt: dict[str, Fact] = {name: word(str(found[name])[:LONGEST]) for name in _WORDS & found.keys()}
    if "location" in found:
        location = str(found["location"]).strip().upper()
        spelt["location"] = location if _COUNTRY.fullmatch(location) else ""
    return spelt
