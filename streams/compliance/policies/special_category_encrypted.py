"""Special categories of data are encrypted."""

from schemas.events import Processing
from streams.compliance.facts import SPECIAL, Facts
from streams.compliance.policy import Example, Policy


def applies(facts: Facts) -> bool:
    return facts.event == "processing"


def violation(facts: Facts) -> str:
    return "special categories of data processed without encryption" if facts.encrypted is False else ""


def example(encrypted: bool | None) -> Processing:
    return Processing(service="hr", operation="write", data_categories=["special-category"], encrypted=encrypted)


POLICY = Policy(
    id="special-category-encrypted",
    title="Special categories of data are encrypted",
    controls={"gdpr": {"art-32": "the security of processing fits its risk, with encryption where appropriate"}},
    about=SPECIAL,
    applies=applies,
    needs=("encrypted",),
    violation=violation,
    remediation="Encrypt the data in transit and at rest, and state encrypted: true.",
    examples=(
        Example("compliant", example(True)),
        Example("non_compliant", example(False)),
        Example("not_evaluated", example(None)),
        Example(None, Processing(service="hr", operation="write", data_categories=["personal"], encrypted=False)),
    ),
)
