"""Personal data are stored for a stated time, and not for ever."""

from schemas.events import Processing
from streams.compliance.facts import PERSONAL, Facts
from streams.compliance.policy import Example, Policy

# Seven years: longer than the record keeping that most laws ask for.
LONGEST_DAYS = 2557

STORES = frozenset({"archive", "backup", "collect", "create", "import", "record", "store", "update", "write"})


def applies(facts: Facts) -> bool:
    return facts.event == "processing" and (facts.act in STORES or facts.retention_days is not None)


def violation(facts: Facts) -> str:
    if facts.retention_days is not None and facts.retention_days > LONGEST_DAYS:
        return f"kept for more than {LONGEST_DAYS} days"
    return ""


def example(operation: str, retention_days: int | None) -> Processing:
    return Processing(service="crm", operation=operation, data_categories=["personal"], retention_days=retention_days)


POLICY = Policy(
    id="retention-limit",
    title="Personal data are stored for a stated and limited time",
    controls={"gdpr": {"art-5(1)(e)": "data that identify people are kept no longer than the purpose needs"}},
    about=PERSONAL,
    applies=applies,
    needs=("retention_days",),
    violation=violation,
    remediation="State retention_days and delete or anonymise the data when they have passed.",
    examples=(
        Example("compliant", example("write", 0)),
        Example("compliant", example("write", LONGEST_DAYS)),
        Example("non_compliant", example("write", LONGEST_DAYS + 1)),
        Example("non_compliant", example("read", 2558)),
        Example("not_evaluated", example("write", None)),
        Example(None, example("read", None)),
        Example(None, Processing(service="crm", operation="write", data_categories=["none"], retention_days=9999)),
    ),
)
