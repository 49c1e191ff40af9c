"""Which class a field of an event has: what its type says, unless a path rule of the configuration says otherwise.

A rule is ``PATH = CLASS``. A path names the event and the field, ``security.target`` or
``processing.attributes.patient_id``; ``*`` stands for any characters. Of several rules that fit, the last one counts.
"""

import re
from collections.abc import Iterable
from fnmatch import translate
from functools import lru_cache
from typing import NamedTuple, get_args

from schemas.events import Processing, Security
from schemas.failures import Rejected
from schemas.personal import CLASSES, DataClass, classes

FIELDS: dict[str, dict[str, DataClass]] = {"security": classes(Security), "processing": classes(Processing)}
"""Event -> field -> the class that its type gives it."""

_STRUCTS = {"security": Security, "processing": Processing}

_FIXED = frozenset({"service", "tenant", "kind", "outcome", "legal_basis", "data_categories"})
"""Fields that say what kind of event it is, by which rows are sorted and counted: they cannot be classified."""

SHIPPED: tuple[str, ...] = (
    "*.attributes.*user_id = direct_identifier",
    "*.attributes.*username = direct_identifier",
    "*.attributes.*user_name = direct_identifier",
    "*.attributes.*patient_id = direct_identifier",
    "*.attributes.*customer_id = direct_identifier",
    "*.attributes.*full_name = direct_identifier",
    "*.attributes.*first_name = direct_identifier",
    "*.attributes.*last_name = direct_identifier",
    "*.attributes.*email = direct_identifier",
    "*.attributes.*phone = direct_identifier",
    "*.attributes.mrn = direct_identifier",
    "*.attributes.ssn = direct_identifier",
    "*.attributes.*ip_address = quasi_identifier",
    "*.attributes.*device_id = quasi_identifier",
    "*.attributes.*birth_date = quasi_identifier",
    "*.attributes.*date_of_birth = quasi_identifier",
    "*.attributes.*diagnosis = phi",
    "*.attributes.icd10 = phi",
    "*.attributes.pan = cardholder",
    "*.attributes.*card_number = cardholder",
    "*.attributes.*password = secret",
    "*.attributes.*api_key = secret",
    "*.attributes.*access_token = secret",
    "*.attributes.cvv = secret",
    "*.attributes.pin = secret",
)
"""Rules for attributes with names that leave no doubt; those of the configuration come after them."""

_RULE = re.compile(r"\s*(?P<path>[\w.*]+)\s*=\s*(?P<class>\w+)\s*")


class Rule(NamedTuple):
    """One path rule."""

    path: re.Pattern[str]
    data_class: DataClass


def read_rule(text: str) -> Rule:
    """Raises ``Rejected`` with what to write instead."""
    match = _RULE.fullmatch(text)
    if match is None:
        raise Rejected(f"{text!r} is no rule; write for example security.attributes.patient_id = direct_identifier")
    event, _, field = match["path"].partition(".")
    names = [f"{each}.{name}" for each, struct in _STRUCTS.items() for name in struct.__struct_fields__]
    pattern = re.compile(translate(match["path"]))
    if not field.startswith("attributes.") and not any(map(pattern.match, names)):
        raise Rejected(f"{text!r} names no field of a security or processing event; see docs/reference/events.md")
    if field in _FIXED or event not in ("*", *_STRUCTS):
        raise Rejected(f"{text!r}: {field or event} says what kind of event it is, and cannot be classified")
    if match["class"] not in get_args(DataClass):
        raise Rejected(f"{text!r}: {match['class']} is none of {', '.join(CLASSES)}")
    return Rule(pattern, match["class"])  # type: ignore[arg-type]


class Classes:
    """The class of every field, as the event types and the rules say."""

    def __init__(self, rules: Iterable[str] = ()) -> None:
        self._rules = [read_rule(text) for text in (*SHIPPED, *rules)][::-1]
        self.of = lru_cache(16_384)(self._of)

    def _of(self, event: str, field: str) -> DataClass | None:
        """The class of ``attributes.x`` or of a field; None: free text, or none of a text's business."""
        if field in _FIXED:
            return None
        path = f"{event}.{field}"
        return next((rule.data_class for rule in self._rules if rule.path.match(path)), FIELDS[event].get(field))
