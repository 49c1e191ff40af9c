"""How the evidence of a period is sealed: the chains of the tenant, and their last seals."""

import msgspec

from streams.reports.asking import Ask, between, rows
from streams.reports.compliance.scope import Scope
from streams.stored.sql import text

SEALED = "seals"


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """The seals of a chain within a period, and the last of them."""

    chain: str
    seals: int
    entries: int
    hour_ms: int
    root: str
    key: str
    """The id of the key that signed; empty: nobody did."""


def queries(scope: Scope) -> dict[str, str]:
    """Name -> SQL."""
    return {SEALED: _sealed(scope)}


def seals(ask: Ask, scope: Scope) -> list[Sealed]:
    """By chain."""
    return [Sealed(**row) for row in rows(ask, _sealed(scope))]


def _sealed(scope: Scope) -> str:
    return (
        "SELECT\n    chain,\n    count() AS seals,\n    sum(s.entries) AS entries,\n"
        "    toUnixTimestamp64Milli(max(hour)) AS hour_ms,\n    argMax(s.root, number) AS root,\n"
        "    argMax(s.key, number) AS key\n"
        f"FROM evidence_seals AS s FINAL\nWHERE tenant = {text(scope.tenant)}\n"
        f"    AND {between('hour', scope.period.start_ms, scope.period.end_ms)}\nGROUP BY chain\nORDER BY chain"
    )
