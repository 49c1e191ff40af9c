"""How long rows of a table are kept: its days, days of a category, and legal holds, as a TTL of ClickHouse.

A rule is ``TABLE = DAYS`` or ``TABLE CATEGORY = DAYS``. A row that belongs to several categories with rules is kept for
the longest of them.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from schemas.failures import Rejected
from schemas.tables import COLUMNS

CATEGORIES = {
    "raw_processing": "has(data_categories, {})",
    "raw_security": "kind = {}",
    "verdicts": "framework = {}",
}
"""Tables with categories -> the condition for a row to belong to one."""

_RULE = re.compile(r"\s*(?P<table>\w+)(?:\s+(?P<category>[\w-]+))?\s*=\s*(?P<days>[1-9]\d{0,5})\s*")


class Rule(NamedTuple):
    """One line."""

    table: str
    category: str
    """Empty: all rows of the table that belong to no category with a rule."""
    days: int


class Hold(NamedTuple):
    """Rows that must not expire."""

    tenant: str
    table: str
    """Empty: all tables."""


def read_rules(lines: Sequence[str]) -> list[Rule]:
    """Raises ``Rejected`` with what to write instead."""
    rules = []
    for line in lines:
        match = _RULE.fullmatch(line)
        if match is None:
            raise Rejected(f"{line!r} is no rule of retention; write raw_processing phi = 2190, or dead_letters = 30")
        if match["table"] not in COLUMNS:
            raise Rejected(f"{line!r}: there is no table {match['table']}")
        if match["category"] and match["table"] not in CATEGORIES:
            raise Rejected(f"{line!r}: only {', '.join(CATEGORIES)} have categories")
        rules.append(Rule(match["table"], match["category"] or "", int(match["days"])))
    return rules


def ttl(table: str, since: str, days: int, rules: Sequence[Rule], holds: Sequence[Hold]) -> str:
    """What follows the word TTL, in the way in which ClickHouse writes it; ``since`` is from when on the days count."""
    own = [rule for rule in rules if rule.table == table]
    days = next((rule.days for rule in reversed(own) if not rule.category), days)
    named = sorted({rule.category: rule.days for rule in own if rule.category}.items(), key=lambda item: -item[1])
    free = _not_held(table, holds)
    parts: list[tuple[int, list[str]]] = []
    longer: list[str] = []
    for category, kept in named:
        condition = CATEGORIES[table].format(_quoted(category))
        parts.append((kept, [condition, *(f"NOT ({other})" for other in longer), *free]))
        longer.append(condition)
    parts.append((days, [*(f"NOT ({other})" for other in longer), *free]))
    return ", ".join(
        f"{since} + toIntervalDay({kept})" + (f" WHERE {' AND '.join(conditions)}" if conditions else "")
        for kept, conditions in parts
    )


def _not_held(table: str, holds: Sequence[Hold]) -> list[str]:
    tenants = sorted({hold.tenant for hold in holds if hold.table in ("", table)})
    if not tenants or "tenant" not in COLUMNS[table]:
        return []
    return [f"tenant NOT IN ({', '.join(map(_quoted, tenants))})"]


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
