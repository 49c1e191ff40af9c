"""Each shipped policy: its own examples, what it does without a fact it needs, and whether they would notice."""

import importlib
import inspect
from datetime import UTC, datetime

import pytest

from schemas.events import Processing, ProcessingEvent, SecurityEvent
from streams.compliance import POLICIES
from streams.compliance.facts import Facts, facts, raw_facts
from tests.compliance.mutants import mutants

EXAMPLES = [(policy, example) for policy in POLICIES for example in policy.examples]


def event_of(data):
    kind = ProcessingEvent if isinstance(data, Processing) else SecurityEvent
    return kind(specversion="1.0", id="1", source="/test", time=datetime(2026, 11, 22, tzinfo=UTC), data=data)


def facts_of(data) -> Facts:
    return facts(raw_facts(event_of(data)))


def module_of(policy):
    return importlib.import_module(f"streams.compliance.policies.{policy.id.replace('-', '_')}")


@pytest.mark.parametrize(
    ("policy", "example"), EXAMPLES, ids=[f"{p.id}-{e.verdict}-{i}" for i, (p, e) in enumerate(EXAMPLES)]
)
def test_a_policy_judges_its_examples_as_it_says(policy, example):
    """Each policy carries its tests."""
    verdict, reason = policy.judge(facts_of(example.data)) or (None, "")
    assert verdict == example.verdict
    assert bool(reason) == (verdict in ("non_compliant", "not_evaluated"))


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.id)
def test_a_policy_is_complete(policy):
    """Named as its file, with examples of all verdicts, controls in words, and a remediation."""
    assert module_of(policy).POLICY is policy
    assert {example.verdict for example in policy.examples} >= {"compliant", "non_compliant", "not_evaluated"}
    assert all(words for controls in policy.controls.values() for words in controls.values())
    assert policy.remediation.endswith(".")
    assert set(policy.needs) <= set(Facts._fields)
    assert policy.needs


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.id)
def test_a_missing_fact_is_never_compliant(policy):
    """A compliant event with any needed fact removed is not evaluated."""
    for example in policy.examples:
        if example.verdict == "compliant":
            stated = facts_of(example.data)
            for name in policy.needs:
                empty = "" if isinstance(getattr(stated, name), str) and name != "actor" else None
                verdict, reason = policy.judge(stated._replace(**{name: empty}))
                assert verdict == "not_evaluated"
                assert name in reason


@pytest.mark.parametrize("policy", [policy for policy in POLICIES if policy.about], ids=lambda policy: policy.id)
def test_open_categories_are_never_compliant(policy):
    """Whether the policy concerns the data is open: not evaluated, even where it would be a violation."""
    for example in (example for example in policy.examples if example.verdict):
        stated = facts_of(example.data)
        for open_categories in ((), ("unknown",)):
            verdict, reason = policy.judge(stated._replace(data_categories=open_categories))
            assert verdict == "not_evaluated"
            assert "data_categories" in reason
        assert policy.judge(stated._replace(data_categories=("none",))) is None


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.id)
def test_the_examples_would_notice_a_changed_decision(policy):
    """Every mutant of the policy's decisions judges at least one example otherwise."""
    module = module_of(policy)
    survivors = []
    for change, tree in mutants(inspect.getsource(module)):
        names: dict[str, object] = {"__name__": module.__name__}
        exec(compile(tree, module.__file__, "exec"), names)
        mutant = names["POLICY"]
        if all((mutant.judge(facts_of(e.data)) or (None,))[0] == e.verdict for e in policy.examples):
            survivors.append(change)
    assert survivors == []


def test_the_four_frameworks_are_covered():
    """Each framework the product names has policies."""
    assert {framework for policy in POLICIES for framework in policy.controls} == {"gdpr", "hipaa", "pci", "soc2"}
