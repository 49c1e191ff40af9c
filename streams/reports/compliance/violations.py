"""The violations of a period by policy and service, each with a piece of evidence."""

from collections.abc import Mapping

import msgspec

from streams.compliance.policy import Policy
from streams.reports.asking import Ask, between, rows
from streams.reports.compliance.scope import Scope
from streams.stored.sql import text

VIOLATED, EVIDENCE = "violations", "evidence"


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """What one policy found wrong with one service."""

    policy: str
    service: str
    severity: str
    controls: tuple[str, ...]
    events: int
    first_ms: int
    last_ms: int
    reason: str
    """Of the latest one."""
    owner: str
    """Of the policy; empty: it is not among those in force now."""
    remediation: str
    entry: str
    """The latest entry of the ledger, as chain and number; empty: none was found."""
    digest: str
    """Its hash."""


def queries(scope: Scope) -> dict[str, str]:
    """Name -> SQL."""
    return {VIOLATED: _violated(scope), EVIDENCE: _evidence(scope)}


def violations(ask: Ask, scope: Scope, policies: Mapping[str, Policy]) -> list[Violation]:
    """The most severe first, then those with the most events."""
    entered = {(row["policy"], row["service"]): row for row in rows(ask, _evidence(scope))}
    found = []
    for row in rows(ask, _violated(scope)):
        policy, entry = policies.get(row["policy"]), entered.get((row["policy"], row["service"]))
        found.append(
            Violation(
                **{**row, "controls": tuple(sorted(row["controls"]))},
                owner=policy.owner if policy else "",
                remediation=policy.remediation if policy else "",
                entry=f"{entry['chain']} #{entry['seq']}" if entry else "",
                digest=entry["hash"] if entry else "",
            )
        )
    return found


def _violated(scope: Scope) -> str:
    return (
        "SELECT\n    policy,\n    service,\n    any(v.severity) AS severity,\n"
        "    groupUniqArray(framework || ' ' || control) AS controls,\n"
        "    uniqExact(_topic, _incarnation, _partition, _offset) AS events,\n"
        "    toUnixTimestamp64Milli(min(time)) AS first_ms,\n    toUnixTimestamp64Milli(max(time)) AS last_ms,\n"
        "    argMax(v.reason, time) AS reason\n"
        f"FROM verdicts AS v\nWHERE {scope.of('time')}\n    AND verdict = 'non_compliant'\n"
        "GROUP BY policy, service\n"
        "ORDER BY indexOf(['critical', 'high', 'medium', 'low'], severity), events DESC, policy, service"
    )


def _evidence(scope: Scope) -> str:
    """Entries come a little later than what they are about, never before."""
    event_time = "fromUnixTimestamp64Milli(JSONExtractInt(entry, 'body', 'time'), 'UTC')"
    return (
        "SELECT\n    policy,\n    service,\n    argMax(e.chain, (e.at, e.seq)) AS chain,\n"
        "    argMax(e.seq, (e.at, e.seq)) AS seq,\n    argMax(e.hash, (e.at, e.seq)) AS hash\n"
        f"FROM evidence AS e FINAL\nWHERE tenant = {text(scope.tenant)} AND kind = 'violation'\n"
        f"    AND {between(event_time, scope.period.start_ms, scope.period.end_ms)}\nGROUP BY policy, service"
    )
