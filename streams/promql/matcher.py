"""Label matchers: ``name="value"``, ``!=``, ``=~`` and ``!~``."""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import msgspec

from streams.promql.regex import anchored

MatchOp = Literal["=", "!=", "=~", "!~"]


class Matcher(msgspec.Struct, frozen=True):
    """One condition on a label; a label that is absent has the value ``""``."""

    name: str
    op: MatchOp
    value: str

    def test(self) -> Callable[[str], bool]:
        """The condition as a function of the label's value. Raises Rejected for a pattern that cannot be used."""
        value = self.value
        if self.op == "=":
            return lambda given: given == value
        if self.op == "!=":
            return lambda given: given != value
        matches = anchored(value).fullmatch
        if self.op == "=~":
            return lambda given: matches(given) is not None
        return lambda given: matches(given) is None

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{self.op}"{escaped}"'


def matches_all(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """True when the label set satisfies every matcher."""
    return all(matcher.test()(labels.get(matcher.name, "")) for matcher in matchers)
