"""Personal data are processed for a purpose that says something."""

from schemas.events import Processing
from streams.compliance.facts import PERSONAL, Facts
from streams.compliance.policy import Example, Policy

EMPTY_WORDS = frozenset({"any", "all", "general", "misc", "miscellaneous", "other", "unspecified", "various"})


def applies(facts: Facts) -> bool:
    return facts.event == "processing"


def violation(facts: Facts) -> str:
    return "the stated purpose names none in particular" if facts.purpose in EMPTY_WORDS else ""


def example(purpose: str) -> Processing:
    return Processing(service="crm", operation="read", data_categories=["personal"], purpose=purpose)


POLICY = Policy(
    id="purpose-limitation",
    title="Personal data are processed for a specified purpose",
    controls={"gdpr": {"art-5(1)(b)": "data are collected for specified, explicit purposes and used for no others"}},
    about=PERSONAL,
    applies=applies,
    needs=("purpose",),
    violation=violation,
    remediation="State in purpose what the data are needed for.",
    examples=(
        Example("compliant", example("order delivery")),
        Example("non_compliant", example("General")),
        Example("not_evaluated", example("")),
        Example(None, Processing(service="crm", operation="read", data_categories=["public"], purpose="any")),
    ),
)
