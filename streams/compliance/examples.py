"""Events in the tests of a policy, written as short as can be."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

import msgspec

from schemas import cloudevents
from schemas.events import ProcessingEvent, SecurityEvent
from schemas.failures import Rejected
from streams.compliance.vocabulary import STRUCTS, EventType

WHEN = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
"""When an event happened that does not say so."""

_EVENTS: dict[str, type[ProcessingEvent | SecurityEvent]] = {"processing": ProcessingEvent, "security": SecurityEvent}
_EXTENSIONS = ("dataclassification", "dataregulation", "datacategory")


def example(written: object, events: tuple[EventType, ...]) -> SecurityEvent | ProcessingEvent | str:
    """The event that a mapping of fields describes, or what is wrong with it.

    The fields are those of ``data``; beside them may stand ``event`` (its type; needed when the policy applies to
    both), ``time`` and the extensions of CloudEvents. ``service`` may be left out.
    """
    if not isinstance(written, Mapping):
        return "write its fields as {operation: read, purpose: treatment}"
    fields = dict(written)
    kind = fields.pop("event", events[0] if len(events) == 1 else None)
    if not isinstance(kind, str) or kind not in STRUCTS:
        return f"say which type it is of: event: {' or '.join(STRUCTS)}"
    envelope = {name: fields.pop(name) for name in _EXTENSIONS if name in fields}
    happened = fields.pop("time", WHEN)
    if isinstance(fields.get("attributes"), Mapping):
        fields["attributes"] = {_text(name): _text(value) for name, value in fields["attributes"].items()}
    written_event: dict[str, Any] = {
        "specversion": "1.0",
        "type": f"tidewatch.{kind}",
        "id": "test",
        "source": "/test",
        "time": _utc(happened),
        **envelope,
        "data": {"service": "example", **fields},
    }
    try:
        event = msgspec.convert(written_event, _EVENTS[kind])
        cloudevents.check(event)
    except (msgspec.ValidationError, UnicodeEncodeError, Rejected) as error:
        return str(error)
    return event


def _text(value: object) -> object:
    """Attributes are texts, which YAML reads as what they look like."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return _utc(value).isoformat()  # type: ignore[attr-defined]
    return str(value) if isinstance(value, int | float) else value


def _utc(value: object) -> object:
    """YAML reads a time with an offset as one in UTC, and a day as its first instant."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), UTC)
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value
