"""Violations of sequences on their way to ClickHouse and the evidence ledger: once, whoever writes them again."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from schemas.config import Config
from schemas.tables import Coded
from sinks.clickhouse import ClickHouse
from streams.batch import Partition, Rows
from streams.compliance.sequences.board import SequenceViolation
from streams.compliance.sequences.marks import Witness
from streams.evidence import records
from streams.evidence.chain import EntryRow
from streams.evidence.ledger import Ledger
from streams.stages.judged import JudgedSequences, evidence_of, rows_of
from streams.stages.store import Store
from streams.stages.transport import Fenced
from streams.telemetry.metrics import Metrics
from tests.api.stored import database
from tests.compliance.sequences.policies import policy, step
from tests.stages.log import Log

PANES, SECURITY = Partition("panes", 2), Partition("security", 5)
AT_MS = 1_795_342_500_000


def violation(offset: int, name: str = "guessed") -> tuple[str, SequenceViolation]:
    witness = Witness(bytes([offset]) * 32, SECURITY, "first", offset, "sshd", "security", f"e{offset}")
    return "acme", SequenceViolation(policy([step(times=2)], 1_000, name=name), AT_MS + offset, witness)


class Desk:
    """A directory of ClickHouse, and what was written to Kafka."""

    def __init__(self, directory: Path) -> None:
        self.sink: ClickHouse = database(directory)
        self.store = Store(self.sink, Metrics(CollectorRegistry()))
        self.log = Log(Partition("none", 0), lambda: AT_MS)

    def writer(self) -> JudgedSequences:
        """That of a new worker."""
        return JudgedSequences(Config(), self.store, self.log, self._incarnations)

    async def _incarnations(self) -> Mapping[str, str]:
        return {"panes": "second"}

    def rows(self) -> list[tuple[Any, ...]]:
        found = self.sink.query("SELECT policy, control, _offset FROM verdicts ORDER BY ALL")
        return [tuple(row.values()) for row in found]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.store.close()
    opened.sink.close()


def owned() -> None:
    """The partition is still ours."""


def fenced() -> None:
    raise Fenced("another's")


def of(name: str, *offsets: int) -> list[tuple[Any, ...]]:
    return [(name, control, offset) for control in ("8.3.4", "CC6.1", "CC7.2") for offset in offsets]


def violations(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """What the entries about violations say."""
    entries = [msgspec.json.decode(row.text) for row in rows if isinstance(row, EntryRow)]
    return [entry["body"] for entry in entries if entry["kind"] == "violation"]


async def test_a_row_says_what_was_violated_by_which_event(desk: Desk) -> None:
    """All columns; one row for each control."""
    writer = desk.writer()
    writer.add(PANES, 41, AT_MS + 9_000, [violation(7)], owned)
    await writer.flushed()
    assert desk.rows() == of("guessed", 7)
    row = desk.sink.query("SELECT * FROM verdicts WHERE control = 'CC6.1'")[0]
    said = {"tenant": "acme", "service": "sshd", "framework": "soc2", "verdict": "non_compliant", "severity": "high"}
    said |= {"reason": "it happened", "event_type": "security", "event_id": "e7", "event_digest": b"\x07" * 32}
    said |= {"_topic": "security", "_partition": 5, "_offset": 7, "_incarnation": "first", "policy_digest": "d" * 64}
    assert {name: row[name] for name in said} == said
    assert (row["time"].timestamp(), row["ingested_at"].timestamp()) == ((AT_MS + 7) / 1000, (AT_MS + 9_000) / 1000)


async def test_what_a_successor_finds_again_is_there_once(desk: Desk) -> None:
    """In the table and in the ledger, though the first had written only some of it, and both wrote to Kafka."""
    first, second = desk.writer(), desk.writer()
    first.add(PANES, 41, AT_MS, [violation(7)], owned)
    await first.flushed()
    for offset, found in ((41, [violation(7)]), (42, [violation(8), violation(7, "other"), violation(9)])):
        second.add(PANES, offset, AT_MS, found, owned)
    await second.flushed()
    assert desk.rows() == sorted(of("guessed", 7, 8, 9) + of("other", 7))

    ledger = Ledger("one", None)
    sent = enumerate(records.decode(value) for _, value in desk.log.sent)
    rows = [row for offset, record in sent for row in violations(ledger.take(record, offset, AT_MS))]
    assert [topic for topic, _ in desk.log.sent] == ["evidence"] * 3
    assert (len(rows), ledger.duplicates) == (4, 1)


async def test_the_ledger_is_told_of_the_record_of_each_event_and_counts_each_control() -> None:
    """The findings name the record of panes that made them certain; it is by that that they are refused."""
    (found,) = evidence_of(PANES, "second", 42, [violation(8), violation(9)])
    assert (found.tenant, found.source, found.incarnation, found.first, found.last) == ("acme", PANES, "second", 42, 42)
    assert found.tally == {"pci 8.3.4": (0, 2, 0), "soc2 CC6.1": (0, 2, 0), "soc2 CC7.2": (0, 2, 0)}
    assert [body["record"] for body in violations(Ledger("one", None).take(found, 0, AT_MS))] == [
        {"topic": "security", "incarnation": "first", "partition": 5, "offset": offset} for offset in (8, 9)
    ]


async def test_who_lost_the_partition_writes_nothing_and_later_findings_are_written(desk: Desk) -> None:
    """Those of the epoch before are left to the next owner."""
    writer = desk.writer()
    writer.add(PANES, 41, AT_MS, [violation(7)], fenced)
    writer.add(PANES, 50, AT_MS, [violation(8)], owned)
    await writer.flushed()
    assert desk.rows() == of("guessed", 8)
    assert len(desk.log.sent) == 1


async def test_rows_of_other_policies_about_the_same_record_hide_none(desk: Desk) -> None:
    """Neither those of ingest from a sequence's, nor a sequence's from those of ingest, when either is read back."""
    (_, sequence) = next(iter(rows_of([violation(7)], AT_MS)))
    single: Rows = {**sequence, "policy": Coded(np.zeros(3, np.int32), ["mfa"])}
    for name, rows in (("sequence", sequence), ("single", single)):
        assert await desk.store.recover("verdicts", rows, name, owned) == "absent"
        assert await desk.store.recover("verdicts", rows, name, owned) == "complete"
    assert desk.rows() == sorted(of("guessed", 7) + of("mfa", 7))
