"""Ledgers with something in them, and the files that they give."""

from collections.abc import Iterable, Sequence

from streams.batch import Partition
from streams.evidence.chain import HOUR_MS, EntryRow, HeadRow, SealRow
from streams.evidence.export import Entries, Line, Stretch, beginning, stretch_line
from streams.evidence.ledger import Ledger, Row
from streams.evidence.records import Act, Findings, InForce, Record, Tick, Violation
from streams.evidence.signing import PublicKeys, SigningKey

KEY = SigningKey("11" * 32)
KEYS = PublicKeys([KEY.public])
NOON_MS = 1_795_348_800_000
SECURITY = Partition("security", 0)


def findings(tenant: str, first: int, count: int = 2, part: int = 0) -> Findings:
    violations = [
        Violation(first + at, NOON_MS, "shop", "mfa", "ab" * 32, ("soc2 CC6.1", "pci 8.4.2"), "high", "no", bytes(32))
        for at in range(count)
    ]
    return Findings(
        tenant=tenant,
        source=SECURITY,
        incarnation="one",
        first=first,
        last=first + count,
        part=part,
        violations=violations,
        tally={"soc2 CC6.1": (5, count, 1)},
    )


def act(tenant: str, **details: object) -> Act:
    return Act(tenant=tenant, kind="attestation", time_ms=NOON_MS, by="ann", details=details)


RECORDS: list[tuple[Record, int]] = [
    (InForce({"mfa": "ab" * 32}), NOON_MS),
    (findings("acme", 10), NOON_MS + 1),
    (findings("zeta", 10, 1), NOON_MS + 2),
    (act("acme", control="CC1.1", until=5), NOON_MS + HOUR_MS),
    (findings("acme", 30, 3), NOON_MS + HOUR_MS),
    (InForce({"mfa": "cd" * 32}), NOON_MS + HOUR_MS + 5),
    (Tick(), NOON_MS + 2 * HOUR_MS + 1),
    (findings("acme", 40, 0), NOON_MS + 2 * HOUR_MS + 2),
    (Tick(), NOON_MS + 3 * HOUR_MS),
    (findings("zeta", 70, 2), NOON_MS + 3 * HOUR_MS + 7),
]
"""Each with the time that the broker gave it. Hours with entries, one with verdicts alone, and one that is open."""


def taken(
    records: Iterable[tuple[Record, int]] = RECORDS, key: SigningKey | None = KEY
) -> tuple[list[Row], list[HeadRow]]:
    """The rows and heads of a new ledger."""
    ledger = Ledger("topic/0", key)
    rows = [row for offset, (record, at_ms) in enumerate(records) for row in ledger.take(record, offset, at_ms)]
    return rows, ledger.heads()


def exported(rows: Sequence[Row], heads: Sequence[HeadRow]) -> list[bytes]:
    """The lines of the file with all of it."""
    lines = [beginning(len(heads))]
    for head in heads:
        own = [row for row in rows if row.tenant == head.tenant]
        entries, seals = (sum(isinstance(row, kind) for row in own) for kind in (EntryRow, SealRow))
        lines.append(stretch_line(Stretch(head.tenant, head.chain, 0, entries, seals)))
        lines += [line(row).encode() for row in own]
        lines.append(Line("H", head.signed.text.encode(), head.signed.signature).encode())
    return lines


def line(row: Row) -> Entries | Line:
    if isinstance(row, EntryRow):
        return Entries([row.text.encode()])
    return Line("S", row.signed.text.encode(), row.signed.signature)
