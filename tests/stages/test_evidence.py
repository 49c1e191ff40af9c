"""The stage of evidence on a clock that the test moves, with a real ClickHouse."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from schemas.config import Config
from schemas.failures import Unavailable
from streams.batch import Partition, RecordBatch
from streams.evidence.chain import HOUR_MS
from streams.evidence.records import Record, encode
from streams.evidence.signing import PublicKeys
from streams.stages.evidence import EvidenceStage
from streams.stages.store import Store
from streams.stages.transport import Delivery
from streams.telemetry.metrics import Metrics
from tests.api.stored import database
from tests.evidence.ledgers import KEY, NOON_MS, act, findings
from tests.stages.log import Log

EVIDENCE = Partition("evidence", 0)


class Desk:
    """A running stage and what it knows of the time."""

    def __init__(self, directory: Path) -> None:
        self.clock_ms = NOON_MS
        self.log = Log(EVIDENCE, lambda: self.clock_ms)
        self.sink = database(directory)
        metrics = Metrics(CollectorRegistry())
        self.store = Store(self.sink, metrics)
        self.stage = EvidenceStage(
            *(Config(), KEY, {"mfa": "ab" * 32}, self.store, self.log, lambda: self.log),  # type: ignore[arg-type]
            incarnations=self._incarnations,
            metrics=metrics,
            now_ms=lambda: self.clock_ms,
        )
        self.log.offer = self.stage.offer

    async def _incarnations(self) -> Mapping[str, str]:
        return {"evidence": "one"}

    async def put(self, record: Record) -> None:
        await self.log.send("evidence", encode(record))

    async def until(self, sql: str, value: Any) -> None:
        """Wait for what ClickHouse says."""
        async with asyncio.timeout(20):
            while self.ask(sql) != value:  # noqa: ASYNC110 - a database has no event to wait for
                await asyncio.sleep(0.05)

    def ask(self, sql: str) -> Any:
        return next(iter(self.sink.query(sql)[0].values()))


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr("streams.stages.evidence.KEEP_SECONDS", 0.0)
    opened = Desk(tmp_path)
    running = asyncio.create_task(opened.stage.run())
    yield opened
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    opened.store.close()
    opened.sink.close()


async def test_an_hour_is_sealed_when_it_is_over_though_nothing_else_comes(desk: Desk) -> None:
    await desk.put(findings("acme", 10))
    await desk.until("SELECT count() FROM evidence FINAL WHERE kind = 'violation'", 2)
    assert desk.ask("SELECT count() FROM evidence_seals") == 0

    desk.clock_ms += HOUR_MS + 6_000
    await desk.until("SELECT count() FROM evidence_seals FINAL", 1)
    seal = desk.sink.query("SELECT seal, signature, entries FROM evidence_seals FINAL")[0]
    assert PublicKeys([KEY.public]).problem(KEY.id, seal["seal"], seal["signature"]) is None
    assert seal["entries"] == desk.ask("SELECT count() FROM evidence FINAL")


async def test_what_was_written_is_committed_with_the_snapshot_that_belongs_to_it(desk: Desk) -> None:
    await desk.put(act("acme", until=1))
    async with asyncio.timeout(20):
        while desk.log.committed_at.get(EVIDENCE, (0, ""))[0] != desk.log.offsets["evidence"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    _, metadata = desk.log.committed_at[EVIDENCE]
    assert metadata.startswith("s1,")
    assert desk.ask("SELECT count() FROM evidence FINAL WHERE kind = 'attestation'") == 1


async def test_an_attestation_is_stated_as_a_gauge_for_rules(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.stages.evidence._STATE_SECONDS", 0.0)
    await desk.put(act("acme", framework="soc2", control="CC1.1", until=NOON_MS - 60_000))
    async with asyncio.timeout(20):
        while not (stated := [value for topic, value in desk.log.sent if topic == "metrics"]):  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    data = msgspec.json.decode(stated[0])["data"]
    assert (data["name"], data["tenant"], data["value"]) == ("compliance_attestation_seconds_left", "acme", -60.0)
    assert data["labels"] == {"framework": "soc2", "control": "CC1.1"}


async def test_what_is_fetched_and_not_written_yet_counts_so_that_memory_stays_bounded(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = desk.sink.insert

    def away(*_: Any) -> None:
        raise Unavailable("a test")

    monkeypatch.setattr(desk.sink, "insert", away)
    for first in range(10, 60, 10):
        await desk.put(findings("acme", first))
    async with asyncio.timeout(20):
        while "clickhouse" not in desk.store.trouble:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert desk.log.backlog.bytes > 5 * len(encode(findings("acme", 10)))

    monkeypatch.setattr(desk.sink, "insert", insert)
    await desk.until("SELECT count() FROM evidence FINAL WHERE kind = 'violation'", 10)
    async with asyncio.timeout(20):
        while desk.log.backlog.bytes:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_fetch_of_more_entries_than_one_insert_takes_is_a_good_chain(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.stages.evidence._ROWS_AT_ONCE", 3)
    await desk.put(findings("acme", 5))
    await desk.until("SELECT max(entries) FROM evidence_heads", 4)
    values = [encode(findings("acme", first, 2)) for first in range(10, 60, 10)]
    batch = RecordBatch(EVIDENCE, list(range(100, 105)), values, None, [NOON_MS] * 5, 105)
    await desk.stage.offer(Delivery(desk.log.epoch, batch))
    await desk.until("SELECT max(entries) FROM evidence_heads", 14)

    assert desk.ask("SELECT count() FROM evidence FINAL") == 14
    chained = "SELECT countIf(JSONExtractString(entry, 'previous') = before) FROM (SELECT entry, seq,"
    chained += " lagInFrame(hash, 1, repeat('0', 64)) OVER (ORDER BY seq) AS before FROM evidence FINAL)"
    assert desk.ask(chained) == 14
