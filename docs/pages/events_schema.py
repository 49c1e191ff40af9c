"""JSON Schema of the events, for producers in any language."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from docs.structs import descriptions, docstring
from schemas import events
from schemas.alert import Alert
from schemas.cloudevents import LIMITS

FILE = "events.schema.json"

EXAMPLES: dict[type[msgspec.Struct], dict[str, Any]] = {
    events.MetricEvent: events.metric.EXAMPLE,
    events.SecurityEvent: events.security.EXAMPLE,
    events.ProcessingEvent: events.processing.EXAMPLE,
    events.HealthEvent: events.health.EXAMPLE,
}
PAYLOADS = (events.Metric, events.Security, events.Processing, events.Health)

LABELS = {
    "type": "object",
    "maxProperties": LIMITS.labels,
    "propertyNames": {
        "pattern": "^(?!__|service$|tenant$)[a-zA-Z_][a-zA-Z0-9_]*$",
        "maxLength": LIMITS.label_name_bytes,
    },
    "additionalProperties": {"type": "string", "maxLength": LIMITS.label_value_bytes},
    "default": {},
}
"""What ``schemas.cloudevents.check_labels`` says at the default limits."""


def text() -> str:
    """One schema of which every event matches exactly one branch."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:tidewatch:events",
        "title": "Tidewatch events",
        "description": "CloudEvents 1.0 in the JSON format, as the topics of events take them.",
        "oneOf": [{"$ref": f"#/$defs/{event.__name__}"} for event in EXAMPLES],
        "$defs": definitions([*EXAMPLES, *PAYLOADS], "#/$defs/{name}"),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def definitions(structs: Sequence[type[msgspec.Struct]], reference: str) -> dict[str, Any]:
    """The schema of each struct by its name; ``reference`` is how they point at each other."""
    _, schemas = msgspec.json.schema_components(structs, ref_template=reference)
    for struct in structs:
        schema = schemas[struct.__name__]
        schema["description"] = docstring(struct)
        for field, said in descriptions(struct).items():
            limited = LABELS if field in ("labels", "attributes") and struct is not Alert else {}
            schema["properties"][field] |= {**limited, "description": said}
        if struct in EXAMPLES:
            schema["examples"] = [EXAMPLES[struct]]
    return schemas
