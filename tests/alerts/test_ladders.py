"""The file of ladders: what it says, and what it is told when it says something else."""

from importlib.resources import files

import pytest

from schemas.failures import Rejected
from streams.alerts.ladders import read_ladders
from streams.alerts.matchers import parse_matchers
from streams.promql.matcher import matches_all


def test_the_shipped_ladders_are_those_of_the_guide() -> None:
    """Critical: on-call at once, the manager after 5 minutes, the VP after 15. High: at once, 30 minutes, an hour."""
    ladders, problems = read_ladders((files("streams.alerts") / "shipped/escalation.yml").read_text(), "e.yml")
    assert problems == []
    assert {str(ladder.matchers[0]): [(s.name, s.after_ms // 60_000) for s in ladder.steps] for ladder in ladders} == {
        'severity=~"critical|page"': [("on-call", 0), ("manager", 5), ("vp", 15)],
        'severity="high"': [("channel", 0), ("backup", 30), ("lead", 60)],
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ladders: {}", "e.yml:1:10: ladders has to be a list; begin each item with '- '"),
        ("ladder: []", "e.yml:1:1: the file has the unknown key 'ladder'; write 'ladders'"),
        (
            "ladders: [{match: [a = b]}]",
            "e.yml:1:11: a ladder has no steps; add steps: with a list of {name: ..., after: ...}",
        ),
        (
            "ladders: [{match: ['a ~ b'], steps: [{name: x, after: 0s}]}]",
            "e.yml:1:20: 'a ~ b' is not a matcher: write it like severity = critical or team =~ \"db|web\"",
        ),
        (
            "ladders: [{steps: [{name: x, after: 5 m}]}]",
            "e.yml:1:37: after of the step 'x': '5 m' is not a duration; write it like 30s, 5m or 1h30m",
        ),
        (
            "ladders: [{steps: [{name: x}]}]",
            "e.yml:1:20: the step 'x' has no time; add after: with a duration such as 5m",
        ),
        (
            "ladders: [{steps: [{name: x, after: 5m}, {name: y, after: 1m}]}]",
            "e.yml:1:42: the step 'y' comes before 'x'; list the steps in order of their times",
        ),
        (
            "ladders: [{steps: [{name: x, after: 0s}, {name: x, after: 1m}]}]",
            "e.yml:1:42: the ladder has the step 'x' twice; give each a name of its own",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_to_write(text: str, problem: str) -> None:
    assert [str(each) for each in read_ladders(text, "e.yml")[1]] == [problem]


@pytest.mark.parametrize(
    ("text", "labels", "fits"),
    [
        ("severity = critical", {"severity": "critical"}, True),
        ('severity="critical"', {"severity": "high"}, False),
        ('{severity=~"critical|high", team!="web"}', {"severity": "high"}, True),
        ("team !~ web.*", {"team": "website"}, False),
        (r'path="a\"b,c"', {"path": 'a"b,c'}, True),
        ('absent=""', {}, True),
        ("", {"any": "thing"}, True),
    ],
)
def test_matchers_are_written_as_in_alertmanager(text: str, labels: dict[str, str], fits: bool) -> None:
    assert matches_all(parse_matchers(text), labels) is fits


@pytest.mark.parametrize("text", ["severity", "severity == critical", "a=b c=d", "=x", 'a="b', "a=~(", "a=b,,c=d"])
def test_what_is_no_matcher_is_refused(text: str) -> None:
    with pytest.raises(Rejected):
        parse_matchers(text)
