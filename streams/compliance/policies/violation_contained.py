"""A policy violation that a service detects is stopped."""

from schemas.events import Security
from streams.compliance.facts import Facts
from streams.compliance.policy import Example, Policy


def applies(facts: Facts) -> bool:
    return facts.act == "policy_violation"


def violation(facts: Facts) -> str:
    return "the violation was detected and not stopped" if facts.outcome == "success" else ""


def example(outcome: str) -> Security:
    return Security(service="gateway", kind="policy_violation", outcome=outcome)  # type: ignore[arg-type]


POLICY = Policy(
    id="violation-contained",
    title="A detected policy violation is stopped",
    controls={"soc2": {"CC7.2": "components are watched for signs of harm, and what is found is acted on"}},
    applies=applies,
    needs=("outcome",),
    violation=violation,
    remediation="Let the service refuse what it detects, and open an incident for what went through.",
    examples=(
        Example("compliant", example("denied")),
        Example("compliant", example("failure")),
        Example("non_compliant", example("success")),
        Example("not_evaluated", example("unknown")),
    ),
)
