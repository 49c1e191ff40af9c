"""Each shipped policy: its own tests, whether they would notice a change, and what it says without what it needs."""

from datetime import UTC, datetime

import msgspec
import pytest

from schemas.events import Processing, ProcessingEvent, SecurityEvent
from schemas.rules import Written
from schemas.yamltext import Place
from streams.compliance.controls import catalogue
from streams.compliance.inline import coverage, run_tests, verdict_of
from streams.compliance.judging import compile_policies
from streams.compliance.reading import PolicyFile
from streams.compliance.shipped import shipped, shipped_files
from streams.compliance.vocabulary import ABOUT
from tests.compliance.mutants import mutants

FILES = [file for file in shipped_files() if isinstance(file, PolicyFile)]
POLICIES = shipped().policies


def event_of(data, **extensions):
    kind = ProcessingEvent if isinstance(data, Processing) else SecurityEvent
    when = datetime(2026, 11, 22, tzinfo=UTC)
    return kind(specversion="1.0", id="1", source="/test", time=when, data=data, **extensions)


def written(text: str) -> Written:
    return Written(text, lambda line, column: Place("mutant", line, column))


def test_every_inline_test_passes():
    """Each policy carries its tests."""
    results = run_tests(shipped())
    assert [result for result in results if not result.passed] == []
    assert all(bool(result.reason) == result.found.startswith(("non_compliant", "not_evaluated")) for result in results)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.id)
def test_the_inline_tests_notice_every_comparison_turned_around(file):
    """No mutant of a condition judges every test as the policy does."""
    changed = [msgspec.structs.replace(file, require=written(text)) for text in mutants(file.require.text)]
    if file.when is not None:
        changed += [msgspec.structs.replace(file, when=written(text)) for text in mutants(file.when.text)]
    survivors = []
    for mutant in changed:
        judge, problems = compile_policies([mutant])
        assert problems == []
        (policy,) = judge.policies
        if all((verdict_of(judge, policy, test) or (None,))[0] == test.expected for test in policy.tests):
            survivors.append((mutant.when and mutant.when.text, mutant.require.text))
    assert survivors == []


@pytest.mark.parametrize("policy", [*POLICIES, *shipped().sequences], ids=lambda policy: policy.id)
def test_a_policy_is_complete(policy):
    """Named as its file, with sentences where people read them, and controls that the catalogue explains."""
    assert policy.file.rpartition("/")[2] == f"{policy.id}.yml"
    assert policy.remediation.endswith(".")
    assert policy.source.endswith(".")
    assert not policy.reason.endswith(".")
    explained = catalogue()
    assert [name for name in policy.controls if name not in explained] == []


ALWAYS = {"kind", "operation", "refused"}
"""Variables that every event states; a security event also what its data are, by its kind."""


def without(facts, name):
    """The facts of the event, had it not stated what gives ``name`` its value."""
    less = {other: value for other, value in facts.items() if other != name}
    flag = f"stated.{name.rpartition('.')[2]}"
    return {**less, flag: False} if flag in facts else less


def judged(policy, event, leave_out=()):
    raw = shipped().vocabulary.raw(event)
    facts = shipped().vocabulary.facts(raw)
    for name in leave_out:
        facts = without(facts, name)
    return (policy.judge(raw[0], facts) or (None,))[0]


def plain_reads(policy):
    always = ALWAYS | (set() if "processing" in policy.conditions else set(ABOUT))
    return [name for name in policy.reads if not name.startswith("stated.") and name not in always]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.id)
def test_a_policy_tests_what_it_cannot_evaluate_where_that_can_happen(policy):
    """Where a compliant event becomes undecided for want of a field, a test of the file shows such an event."""
    compliant = [test.event for test in policy.tests if test.expected == "compliant"]
    undecided = [
        name for event in compliant for name in plain_reads(policy) if judged(policy, event, [name]) == "not_evaluated"
    ]
    assert not undecided or "not_evaluated" in {test.expected for test in policy.tests}, undecided


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.id)
def test_taking_away_what_is_stated_never_makes_an_event_compliant(policy):
    """Less knowledge may leave a policy open; it may not turn a violation into compliance."""
    for test in (test for test in policy.tests if test.expected != "compliant"):
        for name in plain_reads(policy):
            assert judged(policy, test.event, [name]) != "compliant", (test.place, name)


def test_there_are_policies_for_the_four_frameworks():
    """At least forty, and every one of them fires in its tests."""
    assert len(POLICIES) >= 40
    assert {framework for policy in POLICIES for framework in policy.frameworks} == {"gdpr", "hipaa", "pci", "soc2"}
    assert coverage(POLICIES, run_tests(shipped()), {}).never_fired == []
