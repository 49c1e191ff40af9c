"""Files of policies about sequences: what is wrong with one is told with its place and what to write instead."""

import pytest

from streams.compliance.inline import coverage, run_tests
from streams.compliance.judging import compile_policies
from streams.compliance.reading import read_policy

POLICY = """\
id: badge-returned
title: Whoever leaves returns the badge
frameworks:
  soc2: [CC6.2]
attributes: {badge: word}
sequence:
  by: attributes.badge
  within: 1h
  steps:
    - {event: security, when: kind == 'policy_change'}
    - {event: security, when: kind == 'other', times: 2}
    - {absent: security, when: kind == 'data_access', within: 2d}
severity: low
reason: the badge was not returned
remediation: Ask for it.
owner: security
source: Access is removed.
tests:
  compliant:
    - events:
        - {at: 0s, kind: policy_change, attributes: {badge: b1}}
        - {at: [1m, 2m], kind: other, attributes: {badge: b1}}
        - {at: 3m, kind: data_access, attributes: {badge: b1}}
  non_compliant:
    - events:
        - {at: 0s, kind: policy_change, attributes: {badge: b1}}
        - {at: 1m, kind: other, attributes: {badge: b1}}
        - {at: 2m, kind: other, attributes: {badge: b1}, violates: true}
"""


def problems_of(text: str) -> list[str]:
    policy, problems = read_policy(text, "mine.yml")
    if policy is not None:
        problems = problems + compile_policies([policy])[1]
    return [str(problem) for problem in problems]


def test_a_right_file_is_read_and_its_tests_pass() -> None:
    """Also what the policy is then."""
    policy, problems = read_policy(POLICY, "mine.yml")
    assert problems == []
    assert policy is not None
    judge, problems = compile_policies([policy])
    assert problems == []
    (found,) = judge.sequences
    assert (found.within_ms, found.deadline_ms, found.completing) == (3_600_000, 2 * 86_400_000, 1)
    results = run_tests(judge)
    assert [(result.expected, result.found) for result in results] == [
        ("compliant", "compliant"),
        ("non_compliant at 3", "non_compliant at 3"),
    ]
    assert coverage(judge.sequences, results, {"soc2": ["CC6.2"]}).controls == []
    assert coverage(judge.sequences, results, {}).never_fired == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("kind == 'other'", "knd == 'other'", "mine.yml:11:31: undeclared reference to 'knd'; write 'kind'"),
        ("kind == 'other'", "kind == 5", "mine.yml:11:36: found no matching overload"),
        ("kind == 'other'", "size(kind)", "and not true or false; compare it with something"),
        ("kind == 'other'", "hours_since.delete_by > 5", "undeclared reference to 'hours_since"),
        ("by: attributes.badge", "by: attributes.bage", "mine.yml:7:7: security events have no text 'attributes.bage'"),
        ("by: attributes.badge", "by: acter", "write 'actor'"),
        ("by: attributes.badge", "by: data_subject", "security events have no text 'data_subject'"),
        ("by: attributes.badge", "by: mfa", "security events have no text 'mfa'"),
        ("  by: attributes.badge\n", "", "mine.yml:9:7: nothing says which events belong together; add by: actor"),
        ("times: 2", "times: 0", "mine.yml:11:55: times is not from 1 to 100"),
        ("times: 2", "times: many", "times is not from 1 to 100"),
        ("times: 2", "times: 100", "a sequence has at most 100 events"),
        ("within: 1h", "within: 1 hour", "mine.yml:8:11: within: '1 hour' is not a duration"),
        ("within: 1h", "within: 0", "mine.yml:8:11: within is no time at all"),
        ("  within: 1h\n", "", "mine.yml:7:3: the sequence has no within; add within: 10m"),
        (", within: 2d", "", "mine.yml:12:7: nothing says how long this may be absent"),
        ("{absent: security, when: kind == 'data_access'", "{event: security", "write it beside steps"),
        ("{event: security, when: kind == 'policy_change'}", "{absent: security}", "begins with a step that is not"),
        ("{event: security, when: kind == 'policy_change'}", "{when: kind == 'other'}", "either event or absent"),
        ("event: security, when: kind == 'policy_change'", "event: securty", "'securty' is no type of events"),
        ("times: 2", "time: 2", "a step has the unknown key 'time'; write 'times'"),
        ("within: 1h", "window: 1h", "sequence has the unknown key 'window'"),
        ("severity: low", "severity: low\nrequire: mfa", "a policy about a sequence has the unknown key 'require'"),
        ("was not returned", "{kind} was not returned", "the reason quotes something of an event"),
        (", violates: true", "", "violates: true does not fit a test that is non_compliant; mark with violates"),
        ("{at: 3m, kind: data_access,", "{kind: data_access,", "an event of a test says when it happens"),
        ("{at: 3m, kind: data_access,", "{at: soon, kind: data_access,", "at: 'soon' is not a duration"),
        ("{at: 3m, kind: data_access,", "{at: 3m, kind: data_acces,", "this is no event"),
        ("{at: 3m, kind: data_access, attributes: {badge: b1}}", "{at: 3m, kind: data_access, violates: true}", "fit"),
    ],
)
def test_a_mistake_is_told_with_its_place(before: str, after: str, said: str) -> None:
    """And with what to write instead."""
    assert before in POLICY
    found = problems_of(POLICY.replace(before, after, 1))
    assert any(said in problem for problem in found), found


def test_a_single_event_is_no_sequence() -> None:
    """A policy that requires something says that in fewer words."""
    start, end = POLICY.index("    - {event: security, when: kind == 'other'"), POLICY.index("severity")
    found = problems_of(POLICY[:start] + POLICY[end:])
    assert any("a single event is no sequence" in problem for problem in found), found


def test_steps_of_one_sequence_have_keys_of_one_length() -> None:
    """Keys of other lengths would never be equal."""
    found = problems_of(POLICY.replace("times: 2", "times: 2, by: [actor, target]"))
    assert any("another number of fields" in problem for problem in found), found


def test_the_form_changes_with_what_matches_and_with_nothing_else() -> None:
    """What is remembered of a policy is of use while its form stays."""

    def form(text: str) -> str:
        policy, _ = read_policy(text, "mine.yml")
        assert policy is not None
        return compile_policies([policy])[0].sequences[0].form

    assert form(POLICY) == form(POLICY.replace("Ask for it.", "Ask for it again.").replace("low", "high"))
    for before, after in [("times: 2", "times: 1"), ("within: 2d", "within: 3d"), ("within: 1h", "within: 2h")]:
        assert form(POLICY) != form(POLICY.replace(before, after))
