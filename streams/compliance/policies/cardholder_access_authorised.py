"""Only those whose job needs it look at cardholder data."""

from schemas.events import Security
from streams.compliance.facts import CARDHOLDER, Facts
from streams.compliance.policy import Example, Policy


def applies(facts: Facts) -> bool:
    return facts.event == "security" and not facts.refused


def violation(facts: Facts) -> str:
    return "an access that was not authorised was not refused" if facts.authorized is False else ""


def example(authorized: bool | None) -> Security:
    return Security(service="billing", kind="cardholder_data_access", outcome="success", authorized=authorized)


POLICY = Policy(
    id="cardholder-access-authorised",
    title="Access to cardholder data is authorised",
    controls={"pci": {"7.2.1": "an access model grants each role what its work needs, and no more"}},
    about=CARDHOLDER,
    applies=applies,
    needs=("authorized",),
    violation=violation,
    remediation="Refuse the access, or grant the role that the work needs and state authorized: true.",
    examples=(
        Example("compliant", example(True)),
        Example("non_compliant", example(False)),
        Example("not_evaluated", example(None)),
        Example(None, Security(service="billing", kind="cardholder_data_access", outcome="denied", authorized=False)),
        Example(None, Security(service="billing", kind="data_access", outcome="success", authorized=False)),
    ),
)
