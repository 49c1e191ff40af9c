"""The keys of persons and their erasures, as ClickHouse keeps them; what is in the keys, nobody here can read.

*Delivery*: a key is on the disk when ``add`` returns, and a person may have several. ``destroy`` returns when the rows
are gone from every part of the table, those that were replaced too.
*Back-pressure*: raises ``Unavailable`` when ClickHouse is; repeat it later.
"""

import hashlib
import time
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

from schemas.failures import Unavailable
from sinks.chdb_directory import quoted
from sinks.clickhouse import ClickHouse

_AT_ONCE = 2_000
"""Persons in one statement: ClickHouse takes 256 KiB."""

_GONE_SECONDS, _LOOK_SECONDS = 60.0, 0.2
"""How long replaced parts may take to be removed from the disk."""


class SubjectKey(NamedTuple):
    """One key of one person."""

    tenant: str
    person: str
    key_id: str
    wrapped: str
    created_ms: int


class Erasure(NamedTuple):
    """What remains of an erased person: that it was."""

    tenant: str
    person: str
    erased_ms: int


def keys_of(clickhouse: ClickHouse, tenant: str, persons: Collection[str]) -> list[SubjectKey]:
    """All keys of some persons."""
    asked = sorted(persons)
    found: list[SubjectKey] = []
    for start in range(0, len(asked), _AT_ONCE):
        listed = ", ".join(map(quoted, asked[start : start + _AT_ONCE]))
        found += _selected(clickhouse, f"tenant = {quoted(tenant)} AND person IN ({listed})")
    return found


def all_keys(clickhouse: ClickHouse) -> dict[str, list[SubjectKey]]:
    """Tenant -> every key of its persons."""
    found: dict[str, list[SubjectKey]] = {}
    for key in _selected(clickhouse, "person != ''"):
        found.setdefault(key.tenant, []).append(key)
    return found


def add(clickhouse: ClickHouse, keys: Sequence[SubjectKey], now_ms: int) -> None:
    """Store keys: new ones, or the same ones wrapped anew."""
    tenants, persons, ids, wrapped, created = (list(column) for column in zip(*keys, strict=True))
    columns = {
        "tenant": tenants,
        "person": persons,
        "key_id": ids,
        "wrapped": wrapped,
        "version": [now_ms] * len(keys),
        "created_at": created,
    }
    clickhouse.insert("subject_keys", columns, uuid4().hex)


def forget_older_wrappings(clickhouse: ClickHouse) -> None:
    """Remove what a newer wrapping of the same key has replaced, from the disk too."""
    clickhouse.command("OPTIMIZE TABLE subject_keys FINAL")
    _await_gone(clickhouse)


def destroy(clickhouse: ClickHouse, tenant: str, person: str) -> None:
    """Remove a person's keys, and wait until no part on the disk holds them."""
    clickhouse.command(
        f"ALTER TABLE subject_keys DELETE WHERE tenant = {quoted(tenant)} AND person = {quoted(person)}"
        " SETTINGS mutations_sync = 2"
    )
    _await_gone(clickhouse)


def proof(keys: Sequence[SubjectKey]) -> str:
    """SHA-256 of wrapped keys, in the order of their ids: tells which ones were destroyed, and nothing of them."""
    wrapped = [key.wrapped for key in sorted(keys, key=lambda key: key.key_id)]
    return hashlib.sha256("\n".join(wrapped).encode()).hexdigest()


def record_erasure(
    clickhouse: ClickHouse, erasure: Erasure, reason: str, author: str, keys: Sequence[SubjectKey]
) -> None:
    """Remember an erasure; before the keys are destroyed, so that no worker makes up for them."""
    row: dict[str, list[Any]] = {
        "erased_at": [erasure.erased_ms],
        "tenant": [erasure.tenant],
        "person": [erasure.person],
        "reason": [reason],
        "author": [author],
        "keys": [sorted(key.key_id for key in keys)],
        "proof": [proof(keys)],
    }
    clickhouse.insert("erasures", row, uuid4().hex)


def erasures_since(clickhouse: ClickHouse, erased_ms: int) -> Iterator[Erasure]:
    """Erasures from a time on, the oldest first."""
    rows = clickhouse.query(
        "SELECT tenant, person, toUnixTimestamp64Milli(erased_at) AS erased_ms FROM erasures"
        " WHERE erased_at >= fromUnixTimestamp64Milli({since:Int64}) ORDER BY erased_at",
        {"since": erased_ms},
    )
    return (Erasure(row["tenant"], row["person"], row["erased_ms"]) for row in rows)


def _selected(clickhouse: ClickHouse, where: str) -> list[SubjectKey]:
    rows = clickhouse.query(f"SELECT * FROM subject_keys FINAL WHERE {where} ORDER BY tenant, person, key_id")  # noqa: S608
    return [
        SubjectKey(row["tenant"], row["person"], row["key_id"], row["wrapped"], _ms(row["created_at"])) for row in rows
    ]


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _await_gone(clickhouse: ClickHouse) -> None:
    until = time.monotonic() + _GONE_SECONDS
    left = (
        "SELECT count() AS parts FROM system.parts"
        " WHERE database = currentDatabase() AND table = 'subject_keys' AND NOT active"
    )
    while clickhouse.query(left)[0]["parts"]:
        if time.monotonic() > until:
            raise Unavailable("the keys are deleted, but parts that held them are still on the disk; run it again")
        time.sleep(_LOOK_SECONDS)
        # By itself ClickHouse may take minutes; to drop a partition, even one that is not there, clears up at once.
        clickhouse.command("ALTER TABLE subject_keys DROP PARTITION ID 'none'")
