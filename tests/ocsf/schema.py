"""A validator by a checkout of OCSF's own schema: attributes, what is required, values of enumerations, and types."""

import ipaddress
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

Attributes = dict[str, dict[str, Any]]


class Schema:
    """The folder has ``dictionary.json``, ``events/``, ``objects/`` and ``profiles/``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dictionary: Attributes = self._read("dictionary.json")["attributes"]
        self._files = {
            (part, path.stem): path for part in ("events", "objects") for path in (folder / part).rglob("*.json")
        }
        self.definition = cache(self._definition)

    def problems(self, event: Mapping[str, Any]) -> list[str]:
        """Of an event."""
        names = {2003: "compliance_finding", 3002: "authentication", 6003: "api_activity", 6005: "datastore_activity"}
        name = names[event["class_uid"]]
        uids = {"findings": 2, "iam": 3, "application": 6}
        _, _, top = self.definition("events", name)
        if event["class_uid"] != 1000 * uids[top["category"]] + top["uid"]:
            return [f"class_uid of {name}"]
        if event["type_uid"] != 100 * event["class_uid"] + event["activity_id"]:
            return ["type_uid"]
        return list(self._object("events", name, event, name))

    def _object(self, part: str, name: str, value: Mapping[str, Any], where: str) -> Iterator[str]:
        attributes, constraints, _ = self.definition(part, name)
        for attribute, about in attributes.items():
            if about.get("requirement") == "required" and not about.get("profile") and attribute not in value:
                yield f"{where}: {attribute} is required"
        if (one_of := constraints.get("at_least_one")) and not set(one_of) & value.keys():
            yield f"{where}: one of {one_of} is required"
        for attribute, content in value.items():
            if attribute not in attributes:
                yield f"{where}: {attribute} is unknown"
                continue
            yield from self._value(attribute, attributes[attribute], content, f"{where}.{attribute}")

    def _value(self, attribute: str, about: Mapping[str, Any], content: Any, where: str) -> Iterator[str]:
        known = {**self.dictionary[attribute], **{name: about[name] for name in ("type",) if name in about}}
        enum = {} if attribute in _OF_CLASS else {**known.get("enum", {}), **about.get("enum", {})}
        if known.get("is_array") and not isinstance(content, list):
            yield f"{where}: no array"
            return
        for each in content if known.get("is_array") else [content]:
            if enum and str(each) not in enum:
                yield f"{where}: {each!r} is none of {list(enum)}"
            if known["type"] == "object_t" or known["type"] not in _TYPES:
                of = known.get("object_type", known["type"])
                if of != "object" and isinstance(each, dict):
                    yield from self._object("objects", of, each, where)
                elif not isinstance(each, dict):
                    yield f"{where}: no object"
            elif not _TYPES[known["type"]](each):
                yield f"{where}: {each!r} is no {known['type']}"

    def _definition(self, part: str, name: str) -> tuple[Attributes, dict[str, Any], dict[str, Any]]:
        """Attributes with those of what it extends, constraints, and the rest."""
        own = self._read(str(self._files[part, name].relative_to(self.folder)))
        attributes: Attributes = {}
        constraints: dict[str, Any] = {}
        rest: dict[str, Any] = {}
        if own.get("extends"):
            attributes, constraints, rest = self._definition(part, own["extends"])
        included = own.get("attributes", {}).get("$include", [])
        for file in [included] if isinstance(included, str) else included:
            profile = self._read(file)
            for attribute, about in profile.get("attributes", {}).items():
                if attribute != "$include":
                    attributes.setdefault(attribute, {**about, "profile": profile.get("name", file)})
        for attribute, about in own.get("attributes", {}).items():
            if attribute != "$include":
                before = attributes.get(attribute, {})
                enum = {**before.get("enum", {}), **about.get("enum", {})}
                attributes[attribute] = {**before, **about, **({"enum": enum} if enum else {})}
        return attributes, own.get("constraints", constraints), {**rest, **own}

    def _read(self, file: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / file).read_text(encoding="utf-8"))
        return content


_OF_CLASS = {"category_uid", "class_uid", "type_uid"}
"""Whose values follow from the class; the files have those of the base event alone."""


def _is_ip(value: Any) -> bool:
    try:
        return bool(ipaddress.ip_address(value))
    except ValueError:
        return False


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return type(value) is int


_TYPES = {
    **dict.fromkeys(("string_t", "hostname_t", "username_t", "file_hash_t", "uuid_t", "resource_uid_t"), _is_text),
    **dict.fromkeys(("integer_t", "long_t", "timestamp_t", "port_t"), _is_number),
    "boolean_t": lambda value: type(value) is bool,
    "ip_t": _is_ip,
    "json_t": lambda value: json.dumps(value) != "",
}
