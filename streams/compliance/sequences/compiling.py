"""The conditions and keys of a sequence, checked against what events have."""

import difflib
import json
from collections.abc import Iterator, Mapping
from hashlib import sha256

import msgspec

from schemas.yamltext import Place, Problem
from streams.compliance.attributes import Attribute
from streams.compliance.expressions import Expression, Language
from streams.compliance.policy import PLACEHOLDER
from streams.compliance.sequences.policy import SequencePolicy, Step
from streams.compliance.sequences.reading import SequenceFile, StepWritten
from streams.compliance.vocabulary import STRUCTS, EventType, Vocabulary


def languages(vocabulary: Vocabulary) -> dict[EventType, Language]:
    """What conditions of steps may look at: not the hours since something, as a sequence says ``within`` what time."""
    return {
        event: Language(
            {name: kind for name, kind in vocabulary.variables(event).items() if not name.startswith("hours_since.")}
        )
        for event in STRUCTS
    }


def compile_sequence(
    file: SequenceFile, spoken: Mapping[EventType, Language], attributes: Mapping[str, Attribute]
) -> tuple[SequencePolicy | None, list[Problem]]:
    """The policy, or what is wrong with it."""
    problems: list[Problem] = []
    steps = []
    for written in file.steps:
        when = spoken[written.event].compile(written.when) if written.when is not None else None
        problems += when if isinstance(when, list) else ()
        problems += _unknown(written, attributes)
        if not isinstance(when, list):
            steps.append(_step(written, when))
    if PLACEHOLDER.search(file.reason.text):
        text = "the reason quotes something of an event, and a sequence has several"
        problems.append(Problem(file.reason.place(1, 1), text, "say in words what happened"))
    if problems:
        return None, problems
    return SequencePolicy(
        steps=tuple(steps),
        within_ms=file.within_ms,
        deadline_ms=file.steps[-1].within_ms,
        tests=file.tests,
        form=_form(file),
        **file.duty(),
    ), []


def _step(written: StepWritten, when: Expression | None) -> Step:
    by = tuple(name for name, _ in written.by)
    return Step(event=written.event, when=when, absent=written.absent, times=written.times, by=by)


def _unknown(written: StepWritten, attributes: Mapping[str, Attribute]) -> Iterator[Problem]:
    """Fields of a key that no event of the type has."""
    fields = {field.name for field in msgspec.structs.fields(STRUCTS[written.event]) if _is_text(field.type)}
    known = [*sorted(fields - {"tenant"}), *(f"attributes.{name}" for name in attributes)]
    for name, place in written.by:
        if name not in known:
            yield _no_field(name, place, written.event, known)


def _no_field(name: str, place: Place, event: EventType, known: list[str]) -> Problem:
    close = difflib.get_close_matches(name, known, n=1)
    fix = f"write {close[0]!r}" if close else "docs/reference/events.md lists the fields; attributes: declares others"
    return Problem(place, f"{event} events have no text {name!r} to be told apart by", fix)


def _is_text(hint: object) -> bool:
    return hint is str or getattr(hint, "__origin__", None) is str


def _form(file: SequenceFile) -> str:
    """A digest of what decides which events match: whoever remembers some goes on when only a sentence changes."""
    steps = [
        [each.event, each.when.text if each.when else "", each.absent, each.times, [name for name, _ in each.by]]
        for each in file.steps
    ]
    said = json.dumps([steps, file.within_ms, file.steps[-1].within_ms])
    return sha256(said.encode()).hexdigest()[:16]
