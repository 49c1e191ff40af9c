"""How long a ledger takes: seconds to chain it, to write it into chDB, to verify it there, and to verify its export.

``python -m benchmarks.evidence [--entries N]``. The violations are of ten tenants and come within a day, so there are
some two hundred sealed hours. Verifying reads all rows, and checks every hash and every signature.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import click

from schemas.config import ClickHouse as Settings
from schemas.tables import COLUMNS
from sinks.clickhouse import ClickHouse
from sinks.migrations import migrate
from streams.batch import Partition
from streams.cli._clickhouse import Ask, asking
from streams.cli._evidence import Reading, Stored, chains
from streams.evidence.chain import HOUR_MS, EntryRow, SealRow
from streams.evidence.export import Stretch, Verdict, beginning, stretch_line, verified, verify_file
from streams.evidence.ledger import Ledger, Row
from streams.evidence.records import Findings, Violation
from streams.evidence.signing import PublicKeys, SigningKey

START_MS = 1_795_305_600_000
TENANTS, PER_RECORD, PER_INSERT = 10, 500, 50_000

T = TypeVar("T")


def records(entries: int) -> Iterator[tuple[Findings, int]]:
    """Findings with so many violations, each with its time."""
    step_ms = 24 * HOUR_MS * PER_RECORD // entries
    for number in range(entries // PER_RECORD):
        first, at_ms = number * PER_RECORD, START_MS + number * step_ms
        violations = [
            Violation(
                first + at,
                at_ms,
                f"service-{at % 40}",
                "cross-border-transfer",
                "ab" * 32,
                ("gdpr art-44",),
                "high",
                "processed outside the EEA and the countries with adequate protection, without a stated safeguard",
                (first + at).to_bytes(32, "big"),
            )
            for at in range(PER_RECORD)
        ]
        yield (
            Findings(
                tenant=f"tenant-{number % TENANTS}",
                source=Partition("data-processing", 0),
                incarnation="one",
                first=first,
                last=first + PER_RECORD - 1,
                part=0,
                violations=violations,
                tally={"gdpr art-44": (9 * PER_RECORD, PER_RECORD, 0)},
            ),
            at_ms,
        )


def chain(findings: Sequence[tuple[Findings, int]], key: SigningKey) -> int:
    """Chain and seal the violations, and nothing else; how many entries there are."""
    ledger = Ledger("benchmark/0", key)
    return sum(len(ledger.take(record, offset, at_ms)) for offset, (record, at_ms) in enumerate(findings))


def write(clickhouse: ClickHouse, entries: int, key: SigningKey) -> None:
    """A ledger of so many violations, in inserts of the size that workers make."""
    ledger, rows = Ledger("benchmark/0", key), list[Row]()
    for offset, (record, at_ms) in enumerate(records(entries)):
        rows += ledger.take(record, offset, at_ms)
        if len(rows) >= PER_INSERT:
            _insert(clickhouse, rows, offset)
            rows = []
    _insert(clickhouse, rows, -1)
    heads = [(*head[:-1], *head.signed) for head in ledger.heads()]
    clickhouse.insert("evidence_heads", _columns("evidence_heads", heads), "heads")


def _insert(clickhouse: ClickHouse, rows: list[Row], number: int) -> None:
    entries = [row for row in rows if isinstance(row, EntryRow)]
    seals = [(*row[:-1], *row.signed) for row in rows if isinstance(row, SealRow)]
    for begin in range(0, len(entries), PER_INSERT):
        part = entries[begin : begin + PER_INSERT]
        clickhouse.insert("evidence", _columns("evidence", part), f"entries {number} {begin}")
    if seals:
        clickhouse.insert("evidence_seals", _columns("evidence_seals", seals), f"seals {number}")


def _columns(table: str, rows: object) -> dict[str, tuple[object, ...]]:
    return dict(zip(COLUMNS[table], zip(*rows, strict=True), strict=True))  # type: ignore[call-overload]


def readings(ask: Ask) -> list[Reading]:
    """All chains, whole."""
    return [Reading(ask, Stored(*chain, 0, None)) for chain in chains(ask, None)]


def verify(ask: Ask, keys: PublicKeys) -> list[Verdict]:
    """As ``tidewatch audit verify`` does."""
    found = []
    for (tenant, chain), reading in zip(chains(ask, None), readings(ask), strict=True):
        found.append(verified(tenant, chain, reading.lines(), keys, reading.is_whole))
    return found


def export(ask: Ask, file: Path) -> None:
    """As ``tidewatch audit export`` does."""
    with file.open("wb") as out:
        out.write(beginning(TENANTS))
        for (tenant, chain), reading in zip(chains(ask, None), readings(ask), strict=True):
            out.write(stretch_line(Stretch(tenant, chain, reading.first, reading.end, len(reading.seals))))
            out.writelines(line.encode() for line in reading.lines(with_passed=False))


def verify_exported(file: Path, keys: PublicKeys) -> list[Verdict]:
    """As ``tidewatch audit verify FILE`` does."""
    with file.open("rb") as lines:
        return list(verify_file(lines, keys))


def _timed(what: str, run: Callable[[], T]) -> T:
    wall, cpu = time.perf_counter(), time.process_time()
    result = run()
    click.echo(f"{time.perf_counter() - wall:8.1f} {time.process_time() - cpu:8.1f}  {what}")
    return result


def _good(found: list[Verdict], entries: int) -> None:
    problems = [verdict.problem for verdict in found if verdict.problem]
    assert not problems, problems
    counted = sum(verdict.entries for verdict in found)
    assert counted == entries + TENANTS, counted  # each chain begins with the policies in force
    click.echo(f"{'':19}{counted:,} entries, {sum(verdict.seals for verdict in found)} seals: all good")


@click.command()
@click.option("--entries", default=1_000_000, show_default=True, help="How many violations.")
def command(entries: int) -> None:
    """Print how long it takes to verify a ledger."""
    key = SigningKey("7b" * 32)
    keys = PublicKeys([key.public])
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(url=f"chdb:{directory}/clickhouse", retention_days=20_000, embedded_port=1)
        clickhouse = ClickHouse(settings)
        migrate(clickhouse)
        click.echo("    wall      CPU  seconds")
        some = list(records(min(entries, 100_000)))
        _timed(f"chain {len(some) * PER_RECORD:,} entries", lambda: chain(some, key))
        _timed(f"write {entries:,} entries", lambda: write(clickhouse, entries, key))
        clickhouse.close()
        with asking(settings) as ask:
            _good(_timed("verify in ClickHouse", lambda: verify(ask, keys)), entries)
            file = Path(directory) / "evidence"
            _timed("export", lambda: export(ask, file))
        click.echo(f"{'':19}{file.stat().st_size / 1e6:,.0f} MB")
        _good(_timed("verify the export", lambda: verify_exported(file, keys)), entries)


if __name__ == "__main__":
    command()
