"""Whoever looks at health information is one identifiable person."""

from schemas.events import Security
from streams.compliance.facts import PHI, Facts
from streams.compliance.policy import Example, Policy


def applies(facts: Facts) -> bool:
    return facts.event == "security"


def violation(facts: Facts) -> str:
    return "looked at through an account that several people use" if facts.actor == "shared" else ""


def example(actor: str) -> Security:
    return Security(service="clinic", kind="phi_access", outcome="success", actor=actor)


POLICY = Policy(
    id="phi-access-identified",
    title="Whoever looks at health information can be identified",
    controls={
        "hipaa": {
            "164.312(a)(2)(i)": "each user has a name or number of their own",
            "164.312(b)": "activity around health information is recorded so that it can be examined",
        }
    },
    about=PHI,
    applies=applies,
    needs=("actor",),
    violation=violation,
    remediation="Give each person an account and state it in actor.",
    examples=(
        Example("compliant", example("doctor123")),
        Example("non_compliant", example("Admin")),
        Example("not_evaluated", example("")),
        Example(None, Security(service="clinic", kind="data_access", outcome="success", actor="admin")),
    ),
)
