"""Policy files: YAML, one policy a file; what is wrong with one is told with its place."""

from typing import Any

import yaml

from schemas.rules import Written
from schemas.yamltext import Place, Problem, plain
from streams.compliance.examples import example
from streams.compliance.heads import PolicyHead, PolicyReader
from streams.compliance.policy import InlineTest
from streams.compliance.sequences.reading import SequenceFile, read_sequence
from streams.compliance.vocabulary import STRUCTS, EventType

_HEAD = ("id", "title", "frameworks")
_REST = ("severity", "reason", "remediation", "owner", "source", "attributes", "tests")
_OF_ONE = ("applies_to", "require")
_OF_SEVERAL = ("sequence",)
_OPTIONAL = {"attributes"}
_EXPECTED = ("compliant", "non_compliant", "not_evaluated", "not_concerned")


class PolicyFile(PolicyHead, frozen=True, kw_only=True):
    """A policy about single events as it is written; the conditions are texts."""

    events: tuple[EventType, ...]
    when: Written | None
    require: Written
    tests: tuple[InlineTest, ...]


AnyPolicyFile = PolicyFile | SequenceFile


def read_policy(text: str, file: str) -> tuple[AnyPolicyFile | None, list[Problem]]:
    """The policy of a file, and its problems in order of their places. With problems there may be no policy."""
    reader = PolicyReader(text, file)
    policy = _policy(reader)
    return policy, sorted(reader.yaml.problems)


def _policy(reader: PolicyReader) -> AnyPolicyFile | None:
    root = reader.yaml.root
    if root is None:
        if not reader.yaml.problems:
            place = Place(reader.yaml.file, 1, 1)
            reader.yaml.problems.append(Problem(place, "the file is empty", "write a policy: id, title ..."))
        return None
    several = isinstance(root, yaml.MappingNode) and any(key.value == "sequence" for key, _ in root.value)
    keys = (*_HEAD, *(_OF_SEVERAL if several else _OF_ONE), *_REST)
    entries = reader.yaml.mapping(root, "a policy about a sequence" if several else "a policy", keys)
    for key in keys:
        if key not in entries and key not in _OPTIONAL:
            reader.yaml.report(root, f"the policy has no {key}", f"add {key}:")
    head = reader.head(root, entries)
    if several:
        return read_sequence(reader, entries, head)
    events, when = _applies_to(reader, entries.get("applies_to"))
    require = reader.condition(entries.get("require"), "require")
    tests = _tests(reader, entries.get("tests"), events)
    if reader.yaml.problems:
        return None
    return PolicyFile(**head, events=events, when=when, require=require, tests=tests)  # type: ignore[arg-type]


def _applies_to(reader: PolicyReader, node: yaml.Node | None) -> tuple[tuple[EventType, ...], Written | None]:
    if node is None:
        return (), None
    entries = reader.yaml.mapping(node, "applies_to", ("events", "when"))
    known = tuple(STRUCTS)
    listed = reader.yaml.items(entries.get("events"), "events")
    events = tuple(dict.fromkeys(reader.one_of(item, "type of events", known) for item in listed))
    if not events:
        reader.yaml.report(node, "applies_to names no events", f"write events: [{', '.join(known)}], or one of them")
    return events, reader.condition(entries.get("when"), "when")  # type: ignore[return-value]


def _tests(reader: PolicyReader, node: yaml.Node | None, events: tuple[EventType, ...]) -> tuple[InlineTest, ...]:
    if node is None:
        return ()
    entries = reader.yaml.mapping(node, "tests", _EXPECTED)
    for needed in ("compliant", "non_compliant"):
        if not list(reader.yaml.items(entries.get(needed), needed)):
            reader.yaml.report(node, f"no test is {needed}", f"add an event that has to be {needed}")
    found = []
    for expected, listed in entries.items():
        for item in reader.yaml.items(listed, expected):
            event = example(plain(item), events)
            if isinstance(event, str):
                reader.yaml.report(item, f"this is no event: {event}", "docs/reference/events.md lists the fields")
            else:
                kind: Any = None if expected == "not_concerned" else expected
                found.append(InlineTest(kind, event, reader.yaml.place(item)))
    return tuple(found)
