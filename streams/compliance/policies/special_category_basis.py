"""Special categories of data need a ground of their own."""

from schemas.events import Processing
from streams.compliance.facts import SPECIAL, Facts
from streams.compliance.policy import Example, Policy

NO_GROUND = frozenset({"contract", "legitimate_interests"})  # art. 9(2) knows neither


def applies(facts: Facts) -> bool:
    return facts.event == "processing"


def violation(facts: Facts) -> str:
    if facts.legal_basis in NO_GROUND:
        return "neither a contract nor a legitimate interest allows special categories of data to be processed"
    return ""


def example(legal_basis: str, category: str = "special-category") -> Processing:
    return Processing(
        service="hr",
        operation="read",
        data_categories=[category],
        legal_basis=legal_basis,  # type: ignore[arg-type]
    )


POLICY = Policy(
    id="special-category-basis",
    title="Special categories of data are processed on a ground that allows it",
    controls={
        "gdpr": {"art-9": "health, belief, origin and the like stay untouched unless a listed exception applies"}
    },
    about=SPECIAL,
    applies=applies,
    needs=("legal_basis",),
    violation=violation,
    remediation="Obtain explicit consent or name the law that allows it; else stop the processing.",
    examples=(
        Example("compliant", example("consent")),
        Example("compliant", example("vital_interests", "phi")),
        Example("non_compliant", example("legitimate_interests")),
        Example("not_evaluated", example("")),
        Example(None, example("legitimate_interests", "personal")),
    ),
)
