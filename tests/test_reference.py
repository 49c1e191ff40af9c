"""The generated reference: up to date, valid by the standards it follows, and true."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import yaml
from click.testing import CliRunner

from docs import generate
from docs.pages import asyncapi, configuration, events, events_schema, metrics, tables
from docs.structs import descriptions
from schemas.events import Event
from schemas.tables import SCHEMA
from streams.config import SECTIONS
from tests.schemas.test_cloudevents_hostile import EXAMPLES, HOSTILE

SCHEMA_OF_EVENTS = json.loads(events_schema.text())
ASYNCAPI = yaml.safe_load(asyncapi.text())
IS_EVENT = jsonschema_rs.validator_for(SCHEMA_OF_EVENTS, validate_formats=True)


def test_the_pages_are_what_the_code_says() -> None:
    """Otherwise: make docs."""
    result = CliRunner().invoke(generate.command, ["--check"])
    assert (result.exit_code, result.output) == (0, "")


def test_a_stale_a_missing_and_a_strange_page_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And written, or removed."""
    monkeypatch.setattr(generate, "FOLDER", tmp_path / "reference")
    monkeypatch.setattr(generate, "texts", lambda: {"a.md": "a", "b.md": "b"})
    run = CliRunner().invoke
    assert run(generate.command).exit_code == 0
    assert run(generate.command, ["--check"]).exit_code == 0
    (tmp_path / "reference" / "a.md").write_text("old")
    (tmp_path / "reference" / "c.md").write_text("c")
    (tmp_path / "reference" / "b.md").unlink()
    result = run(generate.command, ["--check"])
    assert result.exit_code == 1
    assert [line.split()[0] for line in result.output.splitlines()] == [
        "docs/reference/a.md",
        "docs/reference/b.md",
        "docs/reference/c.md",
    ]
    run(generate.command)
    assert {file.name: file.read_text() for file in (tmp_path / "reference").iterdir()} == {"a.md": "a", "b.md": "b"}


# --- JSON Schema ------------------------------------------------------------------------------------------------------


def test_the_schema_of_events_is_a_schema() -> None:
    """By the meta-schema of its draft."""
    jsonschema_rs.meta.validate(SCHEMA_OF_EVENTS)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["type"])
def test_an_example_matches_exactly_one_type(example: dict[str, Any]) -> None:
    """So every event does: types are told apart by ``type`` alone."""
    IS_EVENT.validate(example)
    branches = [{**SCHEMA_OF_EVENTS, "oneOf": [branch]} for branch in SCHEMA_OF_EVENTS["oneOf"]]
    assert sum(jsonschema_rs.is_valid(branch, example) for branch in branches) == 1
    msgspec.convert(example, Event)


BEYOND_A_SCHEMA = {
    "an array of events",
    "negative counter",
    "line break in service",
    "label value with a line break",
    "long label value",  # counted in bytes
    "1e999",
    "a number of 100,000 digits",
}
REFUSED_BY_SHAPE = {
    name: json.loads(value)
    for name, (category, value) in HOSTILE.items()
    if category in ("invalid_field", "invalid_label", "unknown_type") and value and name not in BEYOND_A_SCHEMA
}


@pytest.mark.parametrize("event", REFUSED_BY_SHAPE.values(), ids=REFUSED_BY_SHAPE)
def test_what_a_worker_refuses_by_its_shape_the_schema_refuses_too(event: Any) -> None:
    """A producer that validates finds it before the dead letters do."""
    assert not IS_EVENT.is_valid(event)


# --- AsyncAPI ---------------------------------------------------------------------------------------------------------


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def test_every_reference_of_the_asyncapi_page_leads_somewhere() -> None:
    """Within the page itself."""
    found = set(references(ASYNCAPI))
    assert len(found) > 20
    for reference in found:
        node = ASYNCAPI
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_the_schemas_of_the_asyncapi_page_are_schemas_that_the_examples_match() -> None:
    """Each message's example is valid by its payload."""
    components = ASYNCAPI["components"]
    for schema in components["schemas"].values():
        jsonschema_rs.meta.validate(schema)
    messages = [message for message in components["messages"].values() if "examples" in message]
    assert len(messages) == 4
    for message in messages:
        payload = {"$ref": message["payload"]["$ref"], "components": components}
        jsonschema_rs.validate(payload, message["examples"][0]["payload"])


def test_every_channel_has_an_operation_and_a_kafka_binding() -> None:
    """As AsyncAPI 3 wants them told: what Tidewatch receives and sends."""
    operated = {operation["channel"]["$ref"].rsplit("/", 1)[1] for operation in ASYNCAPI["operations"].values()}
    assert operated == set(ASYNCAPI["channels"])
    assert all(channel["bindings"]["kafka"]["topic"] == channel["address"] for channel in ASYNCAPI["channels"].values())


# --- pages for people -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "struct", [*events_schema.EXAMPLES, *events_schema.PAYLOADS], ids=lambda struct: struct.__name__
)
def test_every_field_of_an_event_is_described(struct: type[msgspec.Struct]) -> None:
    """Below the field, in the source."""
    assert {field.name for field in msgspec.structs.fields(struct)} - set(descriptions(struct)) <= {"data"}


@pytest.mark.parametrize("name", SECTIONS)
def test_every_setting_is_described(name: str) -> None:
    """Below the field, in the source."""
    section = SECTIONS[name]
    assert {field.name for field in msgspec.structs.fields(section)} == set(descriptions(section))


def test_the_pages_name_everything() -> None:
    """Every event type, section, table and column; no metric without a help text."""
    assert all(f"`{example['type']}`" in events.text() for example in EXAMPLES)
    assert all(f"## [{name}]" in configuration.text() for name in SECTIONS)
    page = tables.text()
    assert all(f"## {name} (" in page for name in SCHEMA)
    assert not [line for line in page.splitlines() if line.endswith("|  |")]
    assert not [line for line in metrics.text().splitlines() if line.endswith("|  |")]
