"""The CloudEvents extension Data Classification: how an event's payload is classified, and what is not understood.

https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/data-classification.md. A consumer that does not
know a level, a regulation or a category must assume that it cannot meet what they ask for, and reject the event.
"""

import msgspec

from schemas.events import ProcessingEvent, SecurityEvent
from schemas.failures import Rejected

LEVELS = frozenset({"public", "internal", "confidential", "restricted"})
"""What ``dataclassification`` may say."""

REGULATIONS = {"GDPR": "gdpr", "HIPAA": "hipaa", "PCI-DSS": "pci", "PCI": "pci", "SOC2": "soc2", "SOC-2": "soc2"}
"""What ``dataregulation`` may list -> the framework."""

CATEGORIES = {
    **dict.fromkeys(("non-sensitive", "standard", "sensitive", "sensitive-pii", "non-sensitive-pii"), "personal"),
    "special-category": "special-category",
    "phi": "phi",
    "non-pii": "none",
}
"""What ``datacategory`` may say -> the category of data."""


class Classification(msgspec.Struct, frozen=True):
    """What the extension says; empty where it says nothing."""

    level: str = ""
    regulations: tuple[str, ...] = ()
    """Frameworks, in the order of the event."""
    category: str = ""


def classification(event: SecurityEvent | ProcessingEvent) -> Classification:
    """What the extension says about an event. Raises ``Rejected`` for what is not understood, and never quotes it."""
    level, regulation, category = event.dataclassification, event.dataregulation, event.datacategory
    if level is msgspec.UNSET:
        if regulation is msgspec.UNSET and category is msgspec.UNSET:
            return Classification()
        raise _unsure("`dataclassification` is missing, which the extension requires beside its other attributes")
    if level.lower() not in LEVELS:
        raise _unsure(f"`dataclassification` is none of {', '.join(sorted(LEVELS))}")
    if category is not msgspec.UNSET and category.lower() not in CATEGORIES:
        raise _unsure(f"`datacategory` is none of {', '.join(sorted(CATEGORIES))}")
    listed = [] if regulation is msgspec.UNSET else [each.strip().upper() for each in regulation.split(",")]
    if not REGULATIONS.keys() >= set(listed):
        raise _unsure(f"`dataregulation` lists another than {', '.join(sorted(REGULATIONS))}")
    known = "" if category is msgspec.UNSET else CATEGORIES[category.lower()]
    return Classification(level.lower(), tuple(REGULATIONS[each] for each in listed), known)


def _unsure(detail: str) -> Rejected:
    return Rejected("unknown_classification", detail)
