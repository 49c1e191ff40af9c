"""Cardholder data are encrypted, whether they are processed or looked at."""

from schemas.events import Processing, Security
from streams.compliance.facts import CARDHOLDER, Facts
from streams.compliance.policy import Example, Policy


def applies(facts: Facts) -> bool:
    return not facts.refused


def violation(facts: Facts) -> str:
    return "cardholder data handled without encryption" if facts.encrypted is False else ""


def example(encrypted: bool | None) -> Security:
    return Security(service="billing", kind="cardholder_data_access", outcome="success", encrypted=encrypted)


POLICY = Policy(
    id="cardholder-encrypted",
    title="Cardholder data are encrypted",
    controls={"pci": {"3.5.1": "a stored card number cannot be read without its key"}},
    about=CARDHOLDER,
    applies=applies,
    needs=("encrypted",),
    violation=violation,
    remediation="Encrypt, truncate or tokenise the card number, and state encrypted: true.",
    examples=(
        Example("compliant", example(True)),
        Example("non_compliant", example(False)),
        Example("not_evaluated", example(None)),
        Example(
            "non_compliant",
            Processing(service="billing", operation="write", data_categories=["cardholder"], encrypted=False),
        ),
        Example(None, Security(service="billing", kind="data_access", outcome="success", encrypted=False)),
        Example(None, Security(service="billing", kind="cardholder_data_access", outcome="denied", encrypted=False)),
    ),
)
