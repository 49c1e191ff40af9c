"""Policy files: what is wrong with one is told with its place and what to write instead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.config import Compliance
from schemas.failures import Rejected
from streams.compliance.inline import run_tests
from streams.compliance.judging import compile_policies
from streams.compliance.reading import read_policy
from streams.compliance.shipped import shipped_texts
from streams.config.files import load_policies

POLICY = """\
id: secret-access-identified
title: Whoever takes a secret can be identified
frameworks:
  soc2: [CC6.1]
applies_to:
  events: [security]
  when: kind == 'secret_access' && !refused
require: "!shared_account"
severity: high
reason: a secret was taken with an account that several people use
remediation: Give each person an account.
owner: security
source: Access can be traced to one person or program.
tests:
  compliant:
    - {kind: secret_access, outcome: success, actor: alice}
  non_compliant:
    - {kind: secret_access, outcome: success, actor: root}
"""


def problems_of(text: str) -> list[str]:
    policy, problems = read_policy(text, "mine.yml")
    if policy is not None:
        problems = problems + compile_policies([policy])[1]
    return [str(problem) for problem in problems]


def test_a_right_file_is_read_and_its_tests_pass():
    policy, problems = read_policy(POLICY, "mine.yml")
    assert problems == []
    assert policy is not None
    judge, problems = compile_policies([policy])
    assert problems == []
    assert all(result.passed for result in run_tests(judge))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            "!shared_account",
            "!shard_account",
            "mine.yml:8:12: undeclared reference to 'shard_account'; write",
        ),
        ("kind ==", "knd ==", "mine.yml:7:9: undeclared reference to 'knd'; write 'kind'"),
        ("!shared_account", "actor == 'root'", "undeclared reference to 'actor'"),
        ("!shared_account", "mfa == 'yes'", "mine.yml:8:15: found no matching overload for '_==_'"),
        ("!shared_account", "purpose", "the condition gives STRING"),
        ("!shared_account", "mfa &&", "mine.yml:8:17: Syntax error"),
        ("severity: high", "severity: urgent", "'urgent' is no severity; write one of critical, high, medium, low"),
        ("soc2: [CC6.1]", "sox: [404]", "unknown key 'sox'"),
        ("owner: security\n", "", "the policy has no owner; add owner:"),
        ("owner:", "ownr:", "unknown key 'ownr'; write 'owner'"),
        ("id: secret-access-identified", "id: Secret Access", "'Secret Access' is no id"),
        ("events: [security]", "events: [metric]", "'metric' is no type of events"),
        ("actor: alice}", "actr: alice}", "mine.yml:16:7: this is no event"),
        ("    - {kind: secret_access, outcome: success, actor: root}\n", "", "no test is non_compliant"),
        ("several people use", "{purpose} uses", "the reason quotes purpose"),
        ("owner: security", "owner: security\nattributes: {mfa: bool}", "'mfa' is no name for an attribute"),
        ("owner: security", "owner: security\nattributes: {approved: time}", "approved is a bool already"),
        (
            "owner: security",
            "owner: security\nattributes: {badge: colour}",
            "'colour' is no type of the attribute",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(before, after, said):
    """One line each, as `tidewatch check` prints them."""
    assert POLICY.count(before) >= 1
    assert any(said in line for line in problems_of(POLICY.replace(before, after, 1))), problems_of(
        POLICY.replace(before, after, 1)
    )


def test_a_policy_may_declare_attributes_of_its_own():
    """A time is seen as the hours since it."""
    text = POLICY.replace('"!shared_account"', "hours_since.badge_returned_at <= 0")
    text = text.replace("owner: security", "owner: security\nattributes: {badge_returned_at: time}")
    text = text.replace("actor: alice}", "attributes: {badge_returned_at: 2026-11-22T10:00:00Z}}")
    text = text.replace("actor: root}", "attributes: {badge_returned_at: 2026-11-22T09:59:59Z}}")
    policy, _ = read_policy(text, "mine.yml")
    assert policy is not None
    judge, problems = compile_policies([policy])
    assert problems == []
    assert [result.found for result in run_tests(judge)] == ["compliant", "non_compliant"]


def test_silence_never_makes_an_event_compliant():
    """Not even where a condition asks for silence."""
    text = POLICY.replace('"!shared_account"', "'!stated.actor || !stated.approved'")
    policy, problems = read_policy(text.replace("outcome: success, actor: alice", "outcome: success"), "mine.yml")
    assert problems == []
    assert policy is not None
    judge, problems = compile_policies([policy])
    assert problems == []
    assert run_tests(judge)[0].found == "not_evaluated"


def test_the_configuration_adds_policies_and_leaves_out_others(tmp_path):
    (tmp_path / "mine.yml").write_text(POLICY, encoding="utf-8")
    judge = load_policies(Compliance(policies=[str(tmp_path / "*.yml")], without=["phi-encrypted"]))
    ids = {policy.id for policy in judge.policies}
    assert "secret-access-identified" in ids
    assert "phi-encrypted" not in ids
    assert "consent-given" in ids


@pytest.mark.parametrize(
    ("compliance", "said"),
    [
        (Compliance(policies=["nowhere/*.yml"]), "compliance.policies: no file matches nowhere/"),
        (Compliance(without=["phi-encrpted"]), "compliance.without: no policy is called phi-encrpted"),
    ],
)
def test_a_setting_that_names_nothing_is_refused(compliance, said):
    with pytest.raises(Rejected) as refused:
        load_policies(compliance)
    assert said in str(refused.value)


def test_an_id_that_is_taken_is_refused(tmp_path):
    (tmp_path / "mine.yml").write_text(POLICY.replace("secret-access-identified", "consent-given"), encoding="utf-8")
    with pytest.raises(Rejected, match=r"the policy consent-given is in lawfulness/consent-given\.yml too"):
        load_policies(Compliance(policies=[str(tmp_path / "mine.yml")]))


texts = st.one_of(st.text(max_size=200), st.sampled_from([POLICY, *(text for _, text in shipped_texts())]))


@given(texts, st.integers(0, 600), st.integers(0, 40), st.text(max_size=10))
def test_no_text_crashes_the_reader(text, at, cut, put):
    """A file with some characters cut out and others put in is a policy or has problems."""
    broken = text[:at] + put + text[at + cut :]
    policy, problems = read_policy(broken, "mine.yml")
    assert policy is not None or problems
    if policy is not None:
        judge, problems = compile_policies([policy])
        assert problems or judge.every
        run_tests(judge)


BOMB = (
    "{x: &a [y, y, y, y, y, y, y, y, y], "
    + ", ".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "}"
)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("{time: 2026-99-99}", "this is written as a value of type timestamp and is none"),
        ("{time: !!timestamp }", "this is written as a value of type timestamp and is none"),
        ("{mfa: !!bool x}", "this is written as a value of type bool and is none"),
        ("{mfa: !!int ''}", "this is written as a value of type int and is none"),
        ("{mfa: !!int x}", "this is written as a value of type int and is none"),
        ("{time: 2026-11-22T10:00:00+99:99}", "this is written as a value of type timestamp and is none"),
        ("{actor: !!python/object/apply:os.system [ls]}", "could not determine a constructor for the tag"),
        ("{? [a] : b}", "found unhashable key"),
        ("{<<: [1]}", "expected a mapping for merging"),
        ("&a {attributes: *a}", "aliases stand for more than 100,000 values"),
        ("{actor: " + "9" * 5_000 + "}", "this is written as a value of type int and is none"),
        ("{event: [security]}", "say which type it is of: event: security or processing"),
        ('{kind: other, attributes: {a: "\\ud800"}}', "surrogates not allowed"),
        ("{attributes: {a: [b]}}", "Expected `str`, got `array`"),
        (f"{{attributes: {BOMB}}}", "aliases stand for more than 100,000 values"),
    ],
)
def test_a_hostile_value_is_told_with_its_place(fields, said):
    """Found by fuzzing: each of them stopped the reader, or would have taken all memory."""
    (problem, *_) = problems_of(POLICY.replace("{kind: secret_access, outcome: success, actor: root}", fields))
    assert said in problem
    assert problem.startswith("mine.yml:18:")
