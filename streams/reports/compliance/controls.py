"""The controls of a period: what events and people say of each, and the score that follows.

A control's score is the share of compliant verdicts among those that could be reached; of one that is attested to it is
100 while that holds and 0 when it has expired. With both, the lower one counts. A framework's score is the mean over
its controls that have one: each counts alike, however many events witness it. How many have none is said beside it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from streams.reports.asking import Ask, instant, listed, rows
from streams.reports.compliance.scope import Scope
from streams.stored.sql import text

COUNTED, ATTESTED = "controls", "attestations"


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """One control over a period."""

    name: str
    """Such as ``gdpr art-32``."""
    says: str
    """What it asks for; empty where no words of ours exist."""
    compliant: int = 0
    violations: int = 0
    not_evaluated: int = 0
    reasons: tuple[str, ...] = ()
    """Of violations, the most frequent first."""
    attested: bool | None = None
    """Whether somebody vouches for it at the end of the period; None: nobody ever did."""

    @property
    def score(self) -> float | None:
        """Percent; None when nothing was evaluated and nobody vouches."""
        evaluated = self.compliant + self.violations
        found = [100 * self.compliant / evaluated] if evaluated else []
        found += [] if self.attested is None else [100.0 * self.attested]
        return min(found, default=None)


class Attestation(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody vouches for."""

    control: str
    author: str
    statement: str
    evidence: tuple[str, ...]
    attested_ms: int
    until_ms: int


def queries(scope: Scope) -> dict[str, str]:
    """Name -> SQL."""
    return {COUNTED: _counted(scope), ATTESTED: _attested(scope)}


def attestations(ask: Ask, scope: Scope) -> list[Attestation]:
    """The latest word on each control that anybody has attested to before the end of the period."""
    return [
        Attestation(**{**row, "evidence": tuple(row["evidence"]), "attested_ms": int(row["attested_ms"])})
        for row in rows(ask, _attested(scope))
    ]


def controls(ask: Ask, scope: Scope, catalogue: Mapping[str, str], attested: Sequence[Attestation]) -> list[Control]:
    """All of the catalogue (``gdpr art-32`` -> what it asks for), and whatever else was judged or attested to."""
    counted = {row["control"]: row for row in rows(ask, _counted(scope))}
    holds = {each.control: each.until_ms > scope.until_ms for each in attested}
    names = dict.fromkeys([*filter(scope.concerns, catalogue), *sorted(counted), *sorted(holds)])
    return [_control(name, catalogue.get(name, ""), counted.get(name, {}), holds.get(name)) for name in names]


def score(found: Sequence[Control]) -> float | None:
    """Of the controls of a framework together; None when none has one."""
    scores = [each.score for each in found if each.score is not None]
    return sum(scores) / len(scores) if scores else None


def _control(name: str, says: str, row: Mapping[str, Any], attested: bool | None) -> Control:
    return Control(
        name=name,
        says=says,
        compliant=row.get("compliant", 0),
        violations=row.get("violations", 0),
        not_evaluated=row.get("not_evaluated", 0),
        reasons=tuple(row.get("reasons", ())),
        attested=attested,
    )


def _counted(scope: Scope) -> str:
    return (
        "SELECT\n    framework || ' ' || s.control AS control,\n    sum(s.compliant) AS compliant,\n"
        "    sum(s.violations) AS violations,\n    sum(s.not_evaluated) AS not_evaluated,\n"
        "    arraySlice(arrayDistinct(arrayFlatten(groupArray(worst_reasons))), 1, 3) AS reasons\n"
        f"FROM compliance_control_scores AS s\nWHERE {scope.of('hour')}\nGROUP BY control\nORDER BY control"
    )


def _attested(scope: Scope) -> str:
    return (
        "SELECT\n    framework || ' ' || a.control AS control,\n"
        "    argMax(a.author, attested_at) AS author,\n    argMax(a.statement, attested_at) AS statement,\n"
        "    argMax(a.evidence, attested_at) AS evidence,\n"
        "    toUnixTimestamp64Milli(max(attested_at)) AS attested_ms,\n"
        "    toUnixTimestamp64Milli(argMax(a.until, attested_at)) AS until_ms\n"
        f"FROM attestations AS a\nWHERE tenant = {text(scope.tenant)} AND framework IN {listed(scope.frameworks)}\n"
        f"    AND attested_at < {instant(scope.period.end_ms)}\n"
        "GROUP BY control\nORDER BY control"
    )
