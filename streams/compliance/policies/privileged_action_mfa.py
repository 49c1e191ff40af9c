"""Privileged actions are taken with a second factor."""

from schemas.events import Security
from streams.compliance.facts import Facts
from streams.compliance.policy import Example, Policy

PRIVILEGED = frozenset({"privileged_action", "policy_change"})


def applies(facts: Facts) -> bool:
    return facts.act in PRIVILEGED and not facts.refused


def violation(facts: Facts) -> str:
    return "a privileged action was taken without a second factor" if facts.mfa is False else ""


def example(mfa: bool | None, kind: str = "privileged_action") -> Security:
    return Security(service="iam", kind=kind, outcome="success", mfa=mfa)  # type: ignore[arg-type]


POLICY = Policy(
    id="privileged-action-mfa",
    title="Privileged actions need a second factor",
    controls={"soc2": {"CC6.1": "identities are authenticated as strongly as what they may do demands"}},
    applies=applies,
    needs=("mfa",),
    violation=violation,
    remediation="Require a second factor for the role, and state mfa: true.",
    examples=(
        Example("compliant", example(True)),
        Example("compliant", example(True, "policy_change")),
        Example("non_compliant", example(False)),
        Example("not_evaluated", example(None)),
        Example(None, Security(service="iam", kind="privileged_action", outcome="denied", mfa=False)),
        Example(None, Security(service="iam", kind="api_call", outcome="success", mfa=False)),
    ),
)
