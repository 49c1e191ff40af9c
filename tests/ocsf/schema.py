"""OCSF's own schema of the version that events state, as its server exports it, and a validator for each class."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import jsonschema_rs
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from streams.ocsf.common import VERSION


@cache
def _schema() -> OcsfJsonSchemaEmbedded:
    return OcsfJsonSchemaEmbedded(get_ocsf_schema(VERSION))


@cache
def _validator(class_uid: int) -> jsonschema_rs.Draft202012Validator:
    name = _schema().lookup_class_name_from_uid(class_uid)
    return jsonschema_rs.Draft202012Validator(_schema().get_class_schema(name))


def problems(event: Mapping[str, Any]) -> list[str]:
    """Where ``event`` is not as its class asks: attributes, what is required, values of enumerations, types."""
    found = [
        f"{'.'.join(map(str, error.instance_path))}: {error.message}"
        for error in _validator(event["class_uid"]).iter_errors(event)
    ]
    if event["type_uid"] != 100 * event["class_uid"] + event["activity_id"]:  # of which JSON Schema knows nothing
        found.append("type_uid: not 100 times the class, and the activity")
    return found
