"""What every policy file begins with, and the kinds of values that are in it."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, get_args

import msgspec
import yaml

from schemas.policy import Framework, Severity
from schemas.rules import Written
from schemas.yamltext import Place, YamlText
from streams.compliance.attributes import SHIPPED, Attribute, AttributeType
from streams.compliance.vocabulary import DERIVED, STRUCTS

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_ATTRIBUTE = re.compile(r"[a-z_][a-z0-9_]*")
_TAKEN = {name for struct in STRUCTS.values() for name in struct.__struct_fields__} | DERIVED.keys()


class PolicyHead(msgspec.Struct, frozen=True, kw_only=True):
    """What all policies say, as it is written."""

    id: str
    title: str
    frameworks: Mapping[Framework, tuple[str, ...]]
    severity: Severity
    reason: Written
    remediation: str
    owner: str
    source: str
    attributes: Mapping[str, Attribute]
    digest: str
    """SHA-256 of the file, hexadecimal."""
    place: Place

    def duty(self) -> dict[str, Any]:
        """The fields of :class:`streams.compliance.policy.Duty`."""
        same = ("id", "title", "frameworks", "severity", "remediation", "owner", "source", "digest")
        reason = " ".join(self.reason.text.split())
        return {**{name: getattr(self, name) for name in same}, "reason": reason, "file": self.place.file}


class PolicyReader:
    """Reads the values of one file; what is wrong with them is among the problems of ``yaml``."""

    def __init__(self, text: str, file: str) -> None:
        self.yaml = YamlText(text, file)
        self.digest = hashlib.sha256(text.encode()).hexdigest()

    def head(self, root: yaml.Node, entries: Mapping[str, yaml.Node]) -> dict[str, Any]:
        """The fields of :class:`PolicyHead`."""
        return {
            **{key: self.text(entries.get(key), key) for key in ("title", "remediation", "owner", "source")},
            "id": self.matching(entries.get("id"), "id", _ID, "use small letters, digits and hyphens"),
            "frameworks": self.frameworks(entries.get("frameworks")),
            "severity": self.one_of(entries.get("severity"), "severity", get_args(Severity)),
            "reason": self.condition(entries.get("reason"), "reason"),
            "attributes": self.attributes(entries.get("attributes")),
            "digest": self.digest,
            "place": self.yaml.place(root),
        }

    def text(self, node: yaml.Node | None, what: str) -> str:
        """A text in one line; reports an empty one."""
        text = self.yaml.text_of(node, what).strip()
        if node is not None and not text:
            self.yaml.report(node, f"{what} is empty", "write a sentence")
        return " ".join(text.split())

    def matching(self, node: yaml.Node | None, what: str, pattern: re.Pattern[str], fix: str) -> str:
        """A text of the form of ``pattern``."""
        text = self.yaml.text_of(node, what)
        if node is not None and not pattern.fullmatch(text):
            self.yaml.report(node, f"{text!r} is no {what}", fix)
        return text

    def one_of(self, node: yaml.Node | None, what: str, known: tuple[str, ...]) -> str:
        """One of the words that are known."""
        text = self.yaml.text_of(node, what)
        if node is not None and text not in known:
            self.yaml.report(node, f"{text!r} is no {what}", f"write one of {', '.join(known)}")
        return text

    def condition(self, node: yaml.Node | None, what: str) -> Written | None:
        """A text that is compiled later; None when there is none."""
        if node is None or not self.text(node, what):
            return None
        text = self.yaml.text_of(node, what)
        return Written(text, lambda line, column: self.yaml.place_within(node, line, column))

    def frameworks(self, node: yaml.Node | None) -> dict[str, tuple[str, ...]]:
        """Framework -> controls."""
        if node is None:
            return {}
        entries = self.yaml.mapping(node, "frameworks", get_args(Framework))
        if not entries:
            self.yaml.report(node, "the policy speaks for no control", "write such as gdpr: [art-6]")
        found = {}
        for name, listed in entries.items():
            found[name] = tuple(self.text(item, f"a control of {name}") for item in self.yaml.items(listed, name))
            if not found[name]:
                self.yaml.report(listed, f"{name} has no control", f"write such as {name}: [art-6], or leave it out")
        return found

    def attributes(self, node: yaml.Node | None) -> dict[str, Attribute]:
        """The entries of ``attributes`` that the file declares."""
        found = {}
        entries = self.yaml.mapping(node, "attributes") if node is not None else {}
        for name, value in entries.items():
            kind = self.one_of(value, f"type of the attribute {name}", get_args(AttributeType))
            if not _ATTRIBUTE.fullmatch(name) or name in _TAKEN:
                self.yaml.report(value, f"{name!r} is no name for an attribute", "use a name that no field has")
            elif name in SHIPPED and SHIPPED[name].type != kind:
                self.yaml.report(value, f"the attribute {name} is a {SHIPPED[name].type} already", "use another name")
            found[name] = Attribute(kind, "Declared in a policy file.")  # type: ignore[arg-type]
        return found
