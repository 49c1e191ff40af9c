"""What a policy is: whom it concerns, what it must know, what breaks it, and which controls it speaks for."""

from collections.abc import Callable, Mapping

import msgspec

from schemas.events import Processing, Security
from schemas.policy import Framework, VerdictKind
from streams.compliance.facts import Facts


class Example(msgspec.Struct, frozen=True):
    """An event and the verdict that the policy must give about it (None: it does not concern it); run by the tests."""

    verdict: VerdictKind | None
    data: Security | Processing


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """One duty. It is judged non-compliant when ``violation`` proves it so, not evaluated when one of ``needs`` is not
    stated, and compliant otherwise.
    """

    id: str
    title: str
    controls: Mapping[Framework, Mapping[str, str]]
    """Framework -> control -> what that control asks for, in our own words."""
    about: frozenset[str] = frozenset()
    """Concerns only data of these categories; empty: the category does not matter."""
    applies: Callable[[Facts], bool]
    needs: tuple[str, ...]
    """Names of the facts without which nobody can say that the duty was met."""
    violation: Callable[[Facts], str]
    """The reason when the stated facts prove a violation, else the empty text."""
    remediation: str
    examples: tuple[Example, ...]

    def judge(self, facts: Facts) -> tuple[VerdictKind, str] | None:
        """The verdict and its reason; None when the event does not concern this policy."""
        concerns = facts.holds(self.about) if self.about else True
        if concerns is False or not self.applies(facts):
            return None
        if concerns and (reason := self.violation(facts)):
            return "non_compliant", reason
        missing = ["data_categories"] * (not concerns) + [name for name in self.needs if not facts.states(name)]
        if missing:
            return "not_evaluated", f"not stated in a form that policies know: {', '.join(missing)}"
        return "compliant", ""
