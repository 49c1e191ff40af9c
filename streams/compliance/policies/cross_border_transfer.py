"""Personal data stay where the law protects them, or travel with a safeguard."""

from schemas.events import Processing
from streams.compliance.facts import PERSONAL, Facts
from streams.compliance.policy import Example, Policy

_EEA = "EU EEA AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"
EEA = frozenset(_EEA.split())

# The Commission found their protection adequate (art. 45). The United States only for certified recipients: state dpf.
_ADEQUATE = "AD AR CA CH FO GB GG IL IM JE JP KR NZ UK UY"
ADEQUATE = frozenset(_ADEQUATE.split())

# Standard contractual clauses, binding corporate rules, the EU-US framework, a derogation of art. 49.
SAFEGUARDS = frozenset({"scc", "bcr", "dpf", "derogation"})


def applies(facts: Facts) -> bool:
    return facts.event == "processing"


def violation(facts: Facts) -> str:
    inside = facts.location in EEA or facts.location in ADEQUATE
    if not facts.location or inside or facts.transfer_safeguard in SAFEGUARDS:
        return ""
    return "processed outside the EEA and the countries with adequate protection, without a stated safeguard"


def example(location: str, **attributes: str) -> Processing:
    return Processing(
        service="crm", operation="share", data_categories=["personal"], location=location, attributes=attributes
    )


POLICY = Policy(
    id="cross-border-transfer",
    title="Personal data leave the EEA only with adequate protection",
    controls={"gdpr": {"art-44": "a transfer to another country must not undermine the protection of the data"}},
    about=PERSONAL,
    applies=applies,
    needs=("location",),
    violation=violation,
    remediation="Process it in the EEA, or state the attribute transfer_safeguard: scc, bcr, dpf or derogation.",
    examples=(
        Example("compliant", example("EU")),
        Example("compliant", example("ch")),
        Example("compliant", example("US", transfer_safeguard="SCC")),
        Example("non_compliant", example("US")),
        Example("non_compliant", example("US", transfer_safeguard="trust")),
        Example("not_evaluated", example("")),
        Example("not_evaluated", example("eu-west-1")),
        Example("not_evaluated", example("", transfer_safeguard="scc")),
        Example(None, Processing(service="crm", operation="share", data_categories=["none"], location="US")),
    ),
)
