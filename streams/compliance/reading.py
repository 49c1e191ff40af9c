"""Policy files: YAML, one policy a file; what is wrong with one is told with its place."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, get_args

import msgspec
import yaml

from schemas.policy import Framework, Severity
from schemas.rules import Written
from schemas.yamltext import Place, Problem, YamlText, plain
from streams.compliance.attributes import SHIPPED, Attribute, AttributeType
from streams.compliance.examples import example
from streams.compliance.policy import InlineTest
from streams.compliance.vocabulary import DERIVED, STRUCTS, EventType

KEYS = (
    *("id", "title", "frameworks", "applies_to", "require", "severity", "reason", "remediation", "owner", "source"),
    *("attributes", "tests"),
)
_OPTIONAL = {"attributes"}
_EXPECTED = ("compliant", "non_compliant", "not_evaluated", "not_concerned")
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_ATTRIBUTE = re.compile(r"[a-z_][a-z0-9_]*")
_TAKEN = {name for struct in STRUCTS.values() for name in struct.__struct_fields__} | DERIVED.keys()


class PolicyFile(msgspec.Struct, frozen=True, kw_only=True):
    """A policy as it is written; the conditions are texts."""

    id: str
    title: str
    frameworks: Mapping[Framework, tuple[str, ...]]
    events: tuple[EventType, ...]
    when: Written | None
    require: Written
    severity: Severity
    reason: Written
    remediation: str
    owner: str
    source: str
    attributes: Mapping[str, Attribute]
    tests: tuple[InlineTest, ...]
    digest: str
    place: Place


def read_policy(text: str, file: str) -> tuple[PolicyFile | None, list[Problem]]:
    """The policy of a file, and its problems in order of their places. With problems there may be no policy."""
    reader = _Reader(text, file)
    policy = reader.policy()
    return policy, sorted(reader.yaml.problems)


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.yaml = YamlText(text, file)
        self.digest = hashlib.sha256(text.encode()).hexdigest()

    def policy(self) -> PolicyFile | None:
        root = self.yaml.root
        if root is None:
            if not self.yaml.problems:
                place = Place(self.yaml.file, 1, 1)
                self.yaml.problems.append(Problem(place, "the file is empty", "write a policy: id, title ..."))
            return None
        entries = self.yaml.mapping(root, "a policy", KEYS)
        for key in KEYS:
            if key not in entries and key not in _OPTIONAL:
                self.yaml.report(root, f"the policy has no {key}", f"add {key}:")
        events, when = self.applies_to(entries.get("applies_to"))
        attributes = self.attributes(entries.get("attributes"))
        policy = {
            **{key: self.text(entries.get(key), key) for key in ("title", "remediation", "owner", "source")},
            "id": self.matching(entries.get("id"), "id", _ID, "use small letters, digits and hyphens"),
            "frameworks": self.frameworks(entries.get("frameworks")),
            "severity": self.one_of(entries.get("severity"), "severity", get_args(Severity)),
            "require": self.condition(entries.get("require"), "require"),
            "reason": self.condition(entries.get("reason"), "reason"),
            "tests": self.tests(entries.get("tests"), events),
        }
        if self.yaml.problems:
            return None
        rest: dict[str, Any] = {"events": events, "when": when, "attributes": attributes, "digest": self.digest}
        return PolicyFile(**policy, **rest, place=self.yaml.place(root))  # type: ignore[arg-type]

    def text(self, node: yaml.Node | None, what: str) -> str:
        text = self.yaml.text_of(node, what).strip()
        if node is not None and not text:
            self.yaml.report(node, f"{what} is empty", "write a sentence")
        return " ".join(text.split())

    def matching(self, node: yaml.Node | None, what: str, pattern: re.Pattern[str], fix: str) -> str:
        text = self.yaml.text_of(node, what)
        if node is not None and not pattern.fullmatch(text):
            self.yaml.report(node, f"{text!r} is no {what}", fix)
        return text

    def one_of(self, node: yaml.Node | None, what: str, known: tuple[str, ...]) -> str:
        text = self.yaml.text_of(node, what)
        if node is not None and text not in known:
            self.yaml.report(node, f"{text!r} is no {what}", f"write one of {', '.join(known)}")
        return text

    def condition(self, node: yaml.Node | None, what: str) -> Written | None:
        if node is None or not self.text(node, what):
            return None
        text = self.yaml.text_of(node, what)
        return Written(text, lambda line, column: self.yaml.place_within(node, line, column))

    def frameworks(self, node: yaml.Node | None) -> dict[str, tuple[str, ...]]:
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

    def applies_to(self, node: yaml.Node | None) -> tuple[tuple[EventType, ...], Written | None]:
        if node is None:
            return (), None
        entries = self.yaml.mapping(node, "applies_to", ("events", "when"))
        known = tuple(STRUCTS)
        listed = self.yaml.items(entries.get("events"), "events")
        events = tuple(dict.fromkeys(self.one_of(item, "type of events", known) for item in listed))
        if not events:
            self.yaml.report(node, "applies_to names no events", f"write events: [{', '.join(known)}], or one of them")
        return events, self.condition(entries.get("when"), "when")  # type: ignore[return-value]

    def attributes(self, node: yaml.Node | None) -> dict[str, Attribute]:
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

    def tests(self, node: yaml.Node | None, events: tuple[EventType, ...]) -> tuple[InlineTest, ...]:
        if node is None:
            return ()
        entries = self.yaml.mapping(node, "tests", _EXPECTED)
        for needed in ("compliant", "non_compliant"):
            if not list(self.yaml.items(entries.get(needed), needed)):
                self.yaml.report(node, f"no test is {needed}", f"add an event that has to be {needed}")
        found = []
        for expected, listed in entries.items():
            for item in self.yaml.items(listed, expected):
                event = example(plain(item), events)
                if isinstance(event, str):
                    self.yaml.report(item, f"this is no event: {event}", "docs/reference/events.md lists the fields")
                else:
                    kind: Any = None if expected == "not_concerned" else expected
                    found.append(InlineTest(kind, event, self.yaml.place(item)))
        return tuple(found)
