"""The part of a policy file about a sequence: its steps, its tests; what is wrong with them is told with its place."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec
import yaml

from schemas.duration import milliseconds
from schemas.events import ProcessingEvent, SecurityEvent
from schemas.failures import Rejected
from schemas.rules import Written
from schemas.yamltext import Place, Problem, YamlText, plain
from streams.compliance.examples import WHEN, example
from streams.compliance.heads import PolicyHead, PolicyReader
from streams.compliance.sequences.policy import SequenceTest
from streams.compliance.vocabulary import STRUCTS, EventType

MOST_EVENTS = 100
"""Of a sequence."""

_SEQUENCE = ("by", "within", "steps")
_STEP = ("event", "absent", "when", "times", "by", "within")
_EXPECTED = ("compliant", "non_compliant")
_EXAMPLE = "write such as {event: security, when: kind == 'auth_failure', times: 5}"


class StepWritten(msgspec.Struct, frozen=True, kw_only=True):
    """A step as it is written; the condition is a text."""

    event: EventType
    when: Written | None
    absent: bool
    times: int
    by: tuple[tuple[str, Place], ...]
    """Fields, and where they stand."""
    within_ms: int
    place: Place


class SequenceFile(PolicyHead, frozen=True, kw_only=True):
    """A policy about a sequence as it is written."""

    steps: tuple[StepWritten, ...]
    within_ms: int
    tests: tuple[SequenceTest, ...]

    @property
    def events(self) -> tuple[EventType, ...]:
        """The types of events that are steps."""
        return tuple(dict.fromkeys(step.event for step in self.steps))


def read_sequence(
    reader: PolicyReader, entries: Mapping[str, yaml.Node], head: Mapping[str, Any]
) -> SequenceFile | None:
    """The policy; None when the file has problems."""
    node = entries["sequence"]
    found = reader.yaml.mapping(node, "sequence", _SEQUENCE)
    by = _by(reader, found.get("by"))
    steps = tuple(_step(reader, item, by) for item in reader.yaml.items(found.get("steps"), "steps"))
    within_ms = _duration(reader.yaml, found.get("within"), "within")
    _check(reader.yaml, node, found, steps)
    events = tuple(dict.fromkeys(step.event for step in steps))
    tests = _tests(reader, entries.get("tests"), events)
    if reader.yaml.problems:
        return None
    return SequenceFile(**head, steps=steps, within_ms=within_ms, tests=tests)


def _step(reader: PolicyReader, node: yaml.Node, by: tuple[tuple[str, Place], ...]) -> StepWritten:
    text = reader.yaml
    entries = text.mapping(node, "a step", _STEP)
    absent = "absent" in entries
    if absent == ("event" in entries):
        text.report(node, "a step has either event or absent, with the type of its events", _EXAMPLE)
    named = entries.get("absent") or entries.get("event")
    if absent and "times" in entries:
        text.report(entries["times"], "times is for steps that are not absent", "remove it")
    if not absent and "within" in entries:
        text.report(entries["within"], "within of a step is for an absent one", "write it beside steps")
    return StepWritten(
        event=reader.one_of(named, "type of events", tuple(STRUCTS)),  # type: ignore[arg-type]
        when=reader.condition(entries.get("when"), "when"),
        absent=absent,
        times=_times(text, entries.get("times")),
        by=_by(reader, entries.get("by")) or by,
        within_ms=_duration(text, entries.get("within"), "within"),
        place=text.place(node),
    )


def _times(text: YamlText, node: yaml.Node | None) -> int:
    written = text.text_of(node, "times")
    if node is None:
        return 1
    if not written.isdigit() or not 1 <= int(written) <= MOST_EVENTS:
        text.report(node, f"times is not from 1 to {MOST_EVENTS}", "write such as times: 5")
        return 1
    return int(written)


def _by(reader: PolicyReader, node: yaml.Node | None) -> tuple[tuple[str, Place], ...]:
    if node is None:
        return ()
    listed = node.value if isinstance(node, yaml.SequenceNode) else [node]
    return tuple((reader.text(item, "by"), reader.yaml.place(item)) for item in listed)


def _duration(text: YamlText, node: yaml.Node | None, what: str) -> int:
    if node is None:
        return 0
    try:
        found = milliseconds(text.text_of(node, what))
    except Rejected as rejected:
        text.report(node, f"{what}: {rejected}")
        return 0
    if not found:
        text.report(node, f"{what} is no time at all", "write such as 10m or 30d")
    return found


def _check(text: YamlText, node: yaml.Node, entries: Mapping[str, yaml.Node], steps: tuple[StepWritten, ...]) -> None:
    """What concerns the steps together."""
    count = sum(step.times for step in steps if not step.absent)
    if not count or steps[0].absent:
        text.report(node, "a sequence begins with a step that is not absent", _EXAMPLE)
        return
    if count > MOST_EVENTS:
        text.report(node, f"a sequence has at most {MOST_EVENTS} events", "let times be less")
    if count == 1 and not steps[-1].absent:
        text.report(node, "a single event is no sequence", "add a step, or write applies_to and require")
    if count > 1 and "within" not in entries:
        text.report(node, "the sequence has no within", "add within: 10m")
    if count == 1 and "within" in entries:
        text.report(entries["within"], "within is for sequences of more than one event", "write it at the absent step")
    for number, step in enumerate(steps):
        last = number == len(steps) - 1
        if not step.by:
            _report(text, step.place, "nothing says which events belong together", "add by: actor, or another field")
        elif len(step.by) != len(steps[0].by):
            _report(text, step.by[0][1], "by has another number of fields here than in the first step")
        if step.absent and last and not step.within_ms:
            _report(text, step.place, "nothing says how long this may be absent", "add within: 30d")
        if step.absent and not last and step.within_ms:
            _report(text, step.place, "within of a step is for the last one", "remove it: it is until the next step")


def _report(text: YamlText, place: Place, said: str, fix: str = "") -> None:
    text.problems.append(Problem(place, said, fix))


def _tests(reader: PolicyReader, node: yaml.Node | None, events: tuple[EventType, ...]) -> tuple[SequenceTest, ...]:
    if node is None:
        return ()
    text, found = reader.yaml, []
    entries = text.mapping(node, "tests", _EXPECTED)
    for expected in _EXPECTED:
        listed = list(text.items(entries.get(expected), expected))
        if not listed:
            text.report(node, f"no test is {expected}", f"add events that have to be {expected}")
        for item in listed:
            test = _test(text, item, events)
            if test is not None and bool(test.violating) != (expected == "non_compliant"):
                marked = "mark with violates: true each event that is" if expected == "non_compliant" else "remove it"
                text.report(item, f"violates: true does not fit a test that is {expected}", marked)
            found += [test] if test is not None else []
    return tuple(found)


def _test(text: YamlText, node: yaml.Node, types: tuple[EventType, ...]) -> SequenceTest | None:
    events: list[SecurityEvent | ProcessingEvent] = []
    violating: list[int] = []
    for item in text.items(text.mapping(node, "a test", ("events",)).get("events"), "events"):
        written = plain(item)
        if not isinstance(written, dict) or "at" not in written:
            text.report(item, "an event of a test says when it happens", "write such as {at: 5m, kind: auth_failure}")
            continue
        at, violates = written.pop("at"), written.pop("violates", False)
        for offset in at if isinstance(at, list) else [at]:
            try:
                happened = WHEN + timedelta(milliseconds=milliseconds(str(offset)))
            except Rejected as rejected:
                text.report(item, f"at: {rejected}")
                continue
            event = example({**written, "time": happened}, types)
            if isinstance(event, str):
                text.report(item, f"this is no event: {event}", "docs/reference/events.md lists the fields")
                continue
            if violates is True:
                violating.append(len(events))
            events.append(event)
    if not events:
        text.report(node, "a test without events", "write events: and a list of them")
        return None
    return SequenceTest(tuple(events), tuple(violating), text.place(node))
