"""The shipped policies, the controls they speak for, and what conditions may look at."""

from collections.abc import Iterable

from docs.structs import GENERATED, code, descriptions, table
from schemas.duration import duration_text
from schemas.events import Processing, Security
from streams.compliance import shipped
from streams.compliance.attributes import SHIPPED
from streams.compliance.controls import controls
from streams.compliance.sequences.policy import SequencePolicy
from streams.compliance.vocabulary import DERIVED, FIELDS, IDENTITIES, STRUCTS, EventType, attribute_variable

FILE = "policies.md"

_NAMES = {"gdpr": "GDPR", "hipaa": "HIPAA", "pci": "PCI DSS", "soc2": "SOC 2"}


def text() -> str:
    """Policies by duty, controls by framework, variables by event type."""
    parts = [
        GENERATED,
        "# Policies",
        "They judge what events state; they are no audit, and no legal advice. "
        "[How to add one](../how-to/add-a-policy.md) says what their files look like.",
        table(["policy", "duty", "severity", "controls"], _policies()),
        "## Policies about sequences",
        "These judge several events together; their violations are about the last of them, or about the one that was "
        "not answered. [Decision 14](../decisions/0014-sequences-in-the-shard.md) says how they are matched.",
        table(["policy", "duty", "severity", "controls", "steps"], _sequences()),
        "## Controls",
        "What each asks for, in our own words, of those that a stream of events can witness.",
        table(["control", "what it asks for", "policies"], _controls()),
        "## What conditions may look at",
        "A variable that an event does not state has no value.",
    ]
    for event in STRUCTS:
        parts += [f"### Events of the type {code(event)}", table(["variable", "type", "what it says"], _fields(event))]
    parts += [
        "### Events of both types",
        table(["variable", "type", "what it says"], [[code(name), *each] for name, each in DERIVED.items()]),
        "`stated.x`, for each field and attribute x: whether the event states it. `known.x`, for each text that may "
        f"name a person ({', '.join(sorted(IDENTITIES))}): true when it is stated, else without a value.",
        "### Entries of `attributes`",
        "An entry that is not written as its type says is as one that is not there. A time is written as in RFC 3339 "
        "with an offset; conditions see the hours from it to the event, rounded up, so that `<=` and `>` are exact.",
        table(["variable", "written as", "what it says"], _attributes()),
    ]
    return "\n\n".join(parts) + "\n"


def _policies() -> Iterable[list[str]]:
    for policy in shipped().policies:
        listed = [f"{_NAMES[name]} {', '.join(each)}" for name, each in policy.frameworks.items()]
        yield [code(policy.id), policy.title, policy.severity, "; ".join(listed)]


def _sequences() -> Iterable[list[str]]:
    for policy in shipped().sequences:
        listed = [f"{_NAMES[name]} {', '.join(each)}" for name, each in policy.frameworks.items()]
        yield [code(policy.id), policy.title, policy.severity, "; ".join(listed), _steps(policy)]


def _steps(policy: SequencePolicy) -> str:
    """In the words of the file, less what its conditions say."""
    steps = []
    for number, step in enumerate(policy.steps):
        often = f"{step.times} times " if step.times > 1 else ""
        waits = step.absent and number == len(policy.steps) - 1
        until = f" for {duration_text(policy.deadline_ms)}" if waits else ""
        steps.append(f"{'no ' if step.absent else often}{step.event} by {code(', '.join(step.by))}{until}")
    within = f"; within {duration_text(policy.within_ms)}" if policy.within_ms else ""
    return ", then ".join(steps) + within


def _controls() -> Iterable[list[str]]:
    for framework, listed in controls().items():
        for name, says in listed.items():
            ids = [code(policy.id) for policy in shipped().every if name in policy.frameworks.get(framework, ())]
            yield [f"{_NAMES[framework]} {name}", says, ", ".join(ids) or "none yet"]


def _fields(event: EventType) -> Iterable[list[str]]:
    says = descriptions({"security": Security, "processing": Processing}[event])
    return [[code(name), kind, says[name]] for name, kind in FIELDS[event].items()]


def _attributes() -> Iterable[list[str]]:
    return [[code(attribute_variable(name, each.type)), each.type, each.says] for name, each in SHIPPED.items()]
