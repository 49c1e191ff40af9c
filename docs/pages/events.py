"""The events as tables of their fields."""

import json
from typing import Any

from docs.pages.asyncapi import CHANNELS
from docs.pages.events_schema import EXAMPLES, PAYLOADS, definitions
from docs.structs import GENERATED, code, descriptions, docstring, table
from schemas.classification import CATEGORIES as CLASSIFIED
from schemas.classification import REGULATIONS
from schemas.cloudevents import CATEGORIES
from schemas.events import Envelope
from schemas.events.envelope import ClassifiedEnvelope
from schemas.personal import classes

FILE = "events.md"

SCHEMAS = definitions([*EXAMPLES, *PAYLOADS], "#/$defs/{name}")


def text() -> str:
    """Envelope, each type, and why records are refused."""
    envelope = {name: SCHEMAS["MetricEvent"]["properties"][name] for name in descriptions(Envelope)}
    kind = {"enum": [event.__struct_config__.tag for event in EXAMPLES], "description": "Which event it is."}
    parts = [
        GENERATED,
        "# Events",
        "Events are CloudEvents 1.0 in JSON, one a Kafka record, structured or binary. For programs: "
        "[events.schema.json](events.schema.json) and [asyncapi.yaml](asyncapi.yaml).",
        "## Every event",
        docstring(Envelope).split("\n\n")[-1],
        _fields({"type": kind, **envelope}, _needed("MetricEvent")),
    ]
    said = {name: SCHEMAS["ProcessingEvent"]["properties"][name] for name in descriptions(ClassifiedEnvelope)}
    parts += [
        "## Security and processing events may also say how their payload is classified",
        "The [CloudEvents extension](https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/"
        "data-classification.md) Data Classification. As it demands, an event is refused whose classification, "
        f"regulation ({', '.join(sorted(REGULATIONS))}) or category ({', '.join(sorted(CLASSIFIED))}) is not known.",
        _fields({name: schema for name, schema in said.items() if name not in envelope}, []),
    ]
    for (event, example), payload in zip(EXAMPLES.items(), PAYLOADS, strict=True):
        (topic,) = [topic for topic, events, _ in CHANNELS.values() if event.__name__ in events]
        parts += [
            f"## {code(event.__struct_config__.tag)}",
            f"{docstring(event)} It travels on the topic `{topic}`; `data` is:",
            docstring(payload),
            _fields(_classified(payload), _needed(payload.__name__)),
            f"```json\n{json.dumps(example, indent=2)}\n```",
        ]
    parts += [
        "## What is refused",
        "A record that is no event becomes a dead letter with one of these reasons; its neighbours go through.",
        table(["reason", "when"], [[code(name), said] for name, said in CATEGORIES.items()]),
    ]
    return "\n\n".join(parts) + "\n"


def _classified(payload: Any) -> dict[str, Any]:
    """The properties of a payload; those that identify somebody say so."""
    found: dict[str, Any] = dict(SCHEMAS[payload.__name__]["properties"])
    for name, kind in classes(payload).items():
        said = f"{found[name]['description']} Personal: {kind.replace('_', ' ')}."
        found[name] = {**found[name], "description": said}
    return found


def _needed(name: str) -> list[str]:
    required: list[str] = SCHEMAS[name]["required"]
    return required


def _fields(properties: dict[str, Any], required: list[str]) -> str:
    rows = [
        [code(name), "required" if name in required else _default(schema), _spelt(schema), schema["description"]]
        for name, schema in properties.items()
    ]
    return table(["field", "default", "what it is", "what it says"], rows)


def _default(schema: dict[str, Any]) -> str:
    default = schema.get("default")
    return "" if default in ("", None, {}, []) else code(default)


def _spelt(schema: dict[str, Any]) -> str:
    """A schema in words."""
    if "enum" in schema:
        return ", ".join(code(value) if value else "empty" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_spelt(branch) for branch in schema["anyOf"])
    if schema["type"] == "object":
        return f"up to {schema['maxProperties']} names and texts"
    if schema["type"] == "array":
        return f"a list, each item {_spelt(schema['items'])}"
    if schema.get("format") == "date-time":
        return "RFC 3339 time with its offset"
    noun = {"string": "text", "number": "number", "integer": "whole number", "boolean": "true or false"}
    return noun.get(schema["type"], "null") + _bounds(schema)


def _bounds(schema: dict[str, Any]) -> str:
    lowest, highest = schema.get("minimum"), schema.get("maximum")
    if "maxLength" in schema:
        return f", {schema.get('minLength', 0)} to {schema['maxLength']} characters"
    if lowest is not None and highest is not None:
        return f", {lowest:,} to {highest:,}"
    return "" if lowest is None else f", {lowest:,} or more"
