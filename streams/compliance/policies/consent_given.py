"""Consent as the ground of processing was given, still stands and can be shown."""

from schemas.events import Processing
from streams.compliance.facts import PERSONAL, Facts
from streams.compliance.policy import Example, Policy


def applies(facts: Facts) -> bool:
    return facts.event == "processing" and facts.legal_basis == "consent"


def violation(facts: Facts) -> str:
    return "processed on the ground of a consent that was not given or was withdrawn" if facts.consent is False else ""


def example(consent: bool | None, consent_id: str = "") -> Processing:
    return Processing(
        service="crm",
        operation="read",
        data_categories=["personal"],
        legal_basis="consent",
        consent=consent,
        consent_id=consent_id,
    )


POLICY = Policy(
    id="consent-given",
    title="Consent as the ground of processing is given and can be shown",
    controls={"gdpr": {"art-7": "who relies on consent can demonstrate it, and stops when it is withdrawn"}},
    about=PERSONAL,
    applies=applies,
    needs=("consent", "consent_id"),
    violation=violation,
    remediation="Stop the processing, or obtain consent and state its consent_id.",
    examples=(
        Example("compliant", example(True, "consent-123")),
        Example("non_compliant", example(False, "consent-123")),
        Example("non_compliant", example(False)),
        Example("not_evaluated", example(True)),
        Example("not_evaluated", example(None, "consent-123")),
        Example(
            None, Processing(service="crm", operation="read", data_categories=["personal"], legal_basis="contract")
        ),
        Example(None, Processing(service="crm", operation="read", data_categories=["none"], legal_basis="consent")),
    ),
)
