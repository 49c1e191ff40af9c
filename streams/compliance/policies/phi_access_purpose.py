"""Health information is looked at for treatment, payment or health care operations."""

from schemas.events import Security
from streams.compliance.facts import PHI, Facts
from streams.compliance.policy import Example, Policy

PERMITTED = frozenset({"treatment", "payment", "operations", "healthcare_operations", "health_care_operations"})


def applies(facts: Facts) -> bool:
    return facts.event == "security" and not facts.refused


def violation(facts: Facts) -> str:
    if facts.purpose and facts.purpose not in PERMITTED:
        return "the stated purpose is none of treatment, payment and health care operations"
    return ""


def example(purpose: str) -> Security:
    return Security(service="clinic", kind="phi_access", outcome="success", purpose=purpose)


POLICY = Policy(
    id="phi-access-purpose",
    title="Health information is looked at for a permitted purpose",
    controls={"hipaa": {"164.502(b)": "no more health information is used than the permitted purpose needs"}},
    about=PHI,
    applies=applies,
    needs=("purpose",),
    violation=violation,
    remediation="State in purpose why the record was needed; review the accesses that no permitted purpose explains.",
    examples=(
        Example("compliant", example("treatment")),
        Example("compliant", example("Health care operations")),
        Example("non_compliant", example("curiosity")),
        Example("not_evaluated", example("")),
        Example(None, Security(service="clinic", kind="phi_access", outcome="denied", purpose="curiosity")),
        Example(None, Security(service="clinic", kind="data_access", outcome="success", purpose="curiosity")),
    ),
)
