"""Personal data are processed on a stated ground that can carry the purpose."""

from schemas.events import Processing
from streams.compliance.facts import PERSONAL, Facts
from streams.compliance.policy import Example, Policy

# What an organisation does for its own ends: only consent or a legitimate interest can carry it.
OWN_ENDS = frozenset({"marketing", "direct_marketing", "advertising", "profiling", "data_sale", "resale"})
CARRIES_OWN_ENDS = frozenset({"consent", "legitimate_interests"})


def applies(facts: Facts) -> bool:
    return facts.event == "processing"


def violation(facts: Facts) -> str:
    if facts.purpose in OWN_ENDS and facts.legal_basis and facts.legal_basis not in CARRIES_OWN_ENDS:
        return "the stated legal basis cannot carry marketing, profiling or sale"
    return ""


def example(legal_basis: str, purpose: str) -> Processing:
    return Processing(
        service="crm",
        operation="read",
        data_categories=["personal"],
        legal_basis=legal_basis,  # type: ignore[arg-type]
        purpose=purpose,
    )


POLICY = Policy(
    id="lawful-basis",
    title="Personal data are processed on a stated ground that can carry the purpose",
    controls={"gdpr": {"art-6": "each purpose of processing rests on one of six legal grounds"}},
    about=PERSONAL,
    applies=applies,
    needs=("legal_basis", "purpose"),
    violation=violation,
    remediation="State legal_basis and purpose; obtain consent for marketing, profiling and sale.",
    examples=(
        Example("compliant", example("contract", "order_delivery")),
        Example("compliant", example("legitimate_interests", "direct marketing")),
        Example("non_compliant", example("contract", "direct-marketing")),
        Example("not_evaluated", example("", "marketing")),
        Example("not_evaluated", example("contract", "")),
        Example(None, Processing(service="crm", operation="read", data_categories=["none"], purpose="marketing")),
    ),
)
