"""The file of ladders: which alerts are escalated, to whom, and how long after one another.

.. code-block:: yaml

    ladders:
      - match: [severity = critical]
        steps:
          - {name: on-call, after: 0s}
          - {name: manager, after: 5m}
"""

from collections.abc import Mapping, Sequence

import msgspec
import yaml

from schemas.duration import milliseconds
from schemas.failures import Rejected
from schemas.yamltext import Place, Problem, YamlText
from streams.alerts.matchers import parse_matchers
from streams.promql.matcher import Matcher, matches_all

LABEL = "escalation"
"""The label that an alert has when a later step is told of it; its value is the step's name."""


class Step(msgspec.Struct, frozen=True):
    """Somebody who is told, when nobody has taken the alert up ``after_ms`` after it was first heard of."""

    name: str
    after_ms: int


class Ladder(msgspec.Struct, frozen=True):
    """The steps for the alerts that satisfy all matchers, in order of their times."""

    matchers: tuple[Matcher, ...]
    steps: tuple[Step, ...]
    place: Place

    def next_after(self, taken: Mapping[str, int]) -> tuple[Step, int] | None:
        """The step after those taken, and the wait (ms) since the one before it; None at the top.

        Steps are known by name, so that a file that has changed meanwhile continues where the alert is.
        """
        last = max((at for at, step in enumerate(self.steps) if step.name in taken), default=-1)
        if last + 1 >= len(self.steps):
            return None
        step = self.steps[last + 1]
        return step, step.after_ms - (self.steps[last].after_ms if last >= 0 else 0)


def ladder_of(labels: Mapping[str, str], ladders: Sequence[Ladder]) -> Ladder | None:
    """The first ladder that fits an alert; None: it is not escalated."""
    return next((ladder for ladder in ladders if matches_all(ladder.matchers, labels)), None)


def read_ladders(text: str, file: str) -> tuple[list[Ladder], list[Problem]]:
    """The ladders of a file and its problems, in order of their places. With problems, the ladders are not whole."""
    reader = _Reader(text, file)
    ladders = reader.ladders()
    return ladders, sorted(reader.yaml.problems)


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.yaml = YamlText(text, file)

    def ladders(self) -> list[Ladder]:
        if self.yaml.root is None:
            return []
        entries = self.yaml.mapping(self.yaml.root, "the file", ("ladders",))
        return [self._ladder(node) for node in self.yaml.items(entries.get("ladders"), "ladders")]

    def _ladder(self, node: yaml.Node) -> Ladder:
        entries = self.yaml.mapping(node, "a ladder", ("match", "steps"))
        steps: list[Step] = []
        for item in self.yaml.items(entries.get("steps"), "steps"):
            self._step(item, steps)
        if not steps:
            self.yaml.report(node, "a ladder has no steps", "add steps: with a list of {name: ..., after: ...}")
        return Ladder(tuple(self._matchers(entries.get("match"))), tuple(steps), self.yaml.place(node))

    def _matchers(self, node: yaml.Node | None) -> list[Matcher]:
        found: list[Matcher] = []
        for item in self.yaml.items(node, "match"):
            try:
                found += parse_matchers(self.yaml.text_of(item, "a matcher"))
            except Rejected as error:
                self.yaml.report(item, str(error))
        return found

    def _step(self, node: yaml.Node, steps: list[Step]) -> None:
        """Adds the step that a node describes."""
        entries = self.yaml.mapping(node, "a step", ("name", "after"))
        name = self.yaml.text_of(entries.get("name"), "name")
        if not name:
            self.yaml.report(node, "a step has no name", "add name: with the value that the label escalation gets")
        elif any(step.name == name for step in steps):
            self.yaml.report(node, f"the ladder has the step {name!r} twice", "give each a name of its own")
        after_ms = self._after(node, entries.get("after"), name)
        if steps and after_ms < steps[-1].after_ms:
            self.yaml.report(
                node, f"the step {name!r} comes before {steps[-1].name!r}", "list the steps in order of their times"
            )
        steps.append(Step(name, after_ms))

    def _after(self, step: yaml.Node, node: yaml.Node | None, name: str) -> int:
        text = self.yaml.text_of(node, f"after of the step {name!r}")
        if not text:
            self.yaml.report(node or step, f"the step {name!r} has no time", "add after: with a duration such as 5m")
            return 0
        try:
            return milliseconds(text)
        except Rejected as error:
            self.yaml.report(node or step, f"after of the step {name!r}: {error}")
            return 0
