"""Health information is encrypted, whether it is processed or looked at."""

from schemas.events import Processing, Security
from streams.compliance.facts import PHI, Facts
from streams.compliance.policy import Example, Policy


def applies(facts: Facts) -> bool:
    return not facts.refused


def violation(facts: Facts) -> str:
    return "health information handled without encryption" if facts.encrypted is False else ""


def example(encrypted: bool | None) -> Processing:
    return Processing(service="clinic", operation="write", data_categories=["phi"], encrypted=encrypted)


POLICY = Policy(
    id="phi-encrypted",
    title="Health information is encrypted",
    controls={"hipaa": {"164.312(a)(2)(iv)": "electronic health information can be encrypted and decrypted"}},
    about=PHI,
    applies=applies,
    needs=("encrypted",),
    violation=violation,
    remediation="Encrypt the data in transit and at rest, and state encrypted: true.",
    examples=(
        Example("compliant", example(True)),
        Example("non_compliant", example(False)),
        Example("not_evaluated", example(None)),
        Example("non_compliant", Security(service="clinic", kind="phi_access", outcome="success", encrypted=False)),
        Example(None, Security(service="clinic", kind="phi_access", outcome="denied", encrypted=False)),
        Example(None, Processing(service="clinic", operation="write", data_categories=["none"], encrypted=False)),
    ),
)
