"""An attempt without authorisation ends in a refusal."""

from schemas.events import Security
from streams.compliance.facts import Facts
from streams.compliance.policy import Example, Policy


def applies(facts: Facts) -> bool:
    return facts.act == "unauthorized_attempt" or facts.authorized is False


def violation(facts: Facts) -> str:
    return "an access without authorisation succeeded" if facts.outcome == "success" else ""


POLICY = Policy(
    id="unauthorised-access-refused",
    title="Access without authorisation is refused",
    controls={
        "soc2": {
            "CC6.1": "logical access is limited to those who are authorised",
            "CC6.6": "attempts from outside the system's boundary are held off",
        }
    },
    applies=applies,
    needs=("outcome",),
    violation=violation,
    remediation="Close the way in, revoke what was obtained, and review what the actor did.",
    examples=(
        Example("compliant", Security(service="vault", kind="unauthorized_attempt", outcome="denied")),
        Example("compliant", Security(service="vault", kind="data_access", outcome="failure", authorized=False)),
        Example("non_compliant", Security(service="vault", kind="unauthorized_attempt", outcome="success")),
        Example("non_compliant", Security(service="vault", kind="data_access", outcome="success", authorized=False)),
        Example("not_evaluated", Security(service="vault", kind="unauthorized_attempt")),
    ),
)
