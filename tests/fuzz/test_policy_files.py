"""Any policy file is a policy that judges, or is refused with places and sentences; nothing else, and soon."""

import time

from streams.compliance.inline import coverage, run_tests
from streams.compliance.judging import compile_policies
from streams.compliance.reading import read_policy
from streams.compliance.shipped import shipped
from tests.fuzz.policies import files
from tests.fuzz.running import Fuzz

_EVENTS = [test.event for policy in shipped().policies[::7] for test in policy.tests[:2]]
_SECONDS = 5.0
"""Of processor time for a file: it is read while somebody waits."""

VERDICTS = {"compliant", "non_compliant", "not_evaluated"}


def check(text: str) -> None:
    """A file is judged by, or refused."""
    began = time.thread_time()
    policy, problems = read_policy(text, "fuzz.yml")
    assert (policy is None) == bool(problems)
    if policy is not None:
        judge, problems = compile_policies([policy])
        assert bool(judge.every) != bool(problems)
        run_tests(judge)
        coverage(judge.every, [], {})
        for event in _EVENTS:
            assert {verdict.verdict for verdict in judge(event)} <= VERDICTS
            judge.check(event)
    for problem in problems:
        assert str(problem).startswith("fuzz.yml:")
        assert len(str(problem)) < 1_500
    assert time.thread_time() - began < _SECONDS


def test_any_policy_file_is_a_policy_or_is_refused(fuzz: Fuzz) -> None:
    fuzz(files, check)
