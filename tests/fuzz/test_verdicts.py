"""Verdicts of hostile events, as ingest gives them, against an oracle that shares nothing with it but the policies."""

import json
from collections.abc import Mapping
from typing import Any

from schemas.config import Limits, Windows
from schemas.tables import Coded
from streams.batch import Partition, RecordBatch
from streams.compliance.policy import Policy
from streams.compliance.shipped import shipped
from streams.ingest.ingest import Ingest
from streams.privacy.protection import UNKEYED
from tests.fuzz.cel import read, value
from tests.fuzz.events import batches
from tests.fuzz.running import Fuzz
from tests.fuzz.stated import facts

_NOW_MS = 1_795_342_530_000


class Stated(dict[str, Any]):
    """Facts in which every ``stated.x`` has a value."""

    def __missing__(self, name: str) -> bool:
        raise KeyError(name)

    def get(self, name: str, default: Any = None) -> Any:
        return dict.get(self, name, False if name.startswith("stated.") else default)


def expected(policy: Policy, kind: str, stated: Mapping[str, Any]) -> str | None:
    """What the how-to says: compliant only by what is stated, non-compliant also by silence, else open."""
    conditions = policy.conditions.get(kind)  # type: ignore[call-overload]
    if conditions is None:
        return None
    concerns = value(read(conditions.when.text), Stated(stated)) if conditions.when else True
    if concerns is not True:
        return "not_evaluated" if concerns is None else None
    require = read(conditions.require.text)
    if value(require, stated) is True:
        return "compliant"
    return "non_compliant" if value(require, Stated(stated)) is False else "not_evaluated"


def verdicts(values: list[bytes]) -> tuple[dict[int, dict[str, str]], set[int]]:
    """Of each accepted record, policy -> verdict; and which records were refused."""
    source = Partition("security", 0)
    batch = RecordBatch(source, range(len(values)), values, None, [_NOW_MS] * len(values), len(values))
    result = Ingest(Windows(), Limits(), shipped(), UNKEYED)(batch, _NOW_MS, "one")
    rows = result.raw.get("verdicts", {})
    columns = [_each(rows[name]) if rows else [] for name in ("_offset", "policy", "verdict")]
    found: dict[int, dict[str, str]] = {}
    for offset, policy, verdict in zip(*columns, strict=True):
        assert found.setdefault(int(offset), {}).setdefault(policy, verdict) == verdict
    return found, {letter.offset for letter in result.dead}


def _each(column: Any) -> list[Any]:
    return [column.values[code] for code in column.codes] if isinstance(column, Coded) else list(column)


def check(values: list[bytes]) -> None:
    """Each record has the verdicts of the oracle, or is a dead letter."""
    found, dead = verdicts(values)
    for offset, text in enumerate(values):
        if offset in dead:
            assert offset not in found
            continue
        record = json.loads(text)
        stated = facts(record)
        kind = record["type"].partition(".")[2]
        wanted = {policy.id: expected(policy, kind, stated) for policy in shipped().policies}
        assert found.get(offset, {}) == {name: verdict for name, verdict in wanted.items() if verdict}, record


def test_no_hostile_event_gets_another_verdict_than_its_own(fuzz: Fuzz) -> None:
    fuzz(batches(), check)
