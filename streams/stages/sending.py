"""What the first stage sends: increments and pulses for windows, findings for the ledger, copies of dead letters."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from aiokafka.errors import KafkaError

from schemas.config import Topics
from schemas.failures import Unavailable
from streams.batch import DeadLetter
from streams.compliance.sequences.marks import Marks
from streams.evidence import records
from streams.ingest.ingest import Ingested
from streams.stages.owned import Part
from streams.stages.store import Store
from streams.telemetry.metrics import Metrics
from streams.windows import deltas
from streams.windows.deltas import PaneDelta, Pulse

_LETTER_BYTES = 900_000
"""Of a dead letter's copy in Kafka, whose broker takes 1 MB; ClickHouse has all of it."""


class Sending:
    """All that it sends is stored by the broker when it returns; ``check`` ends it when it comes too late."""

    def __init__(self, topics: Topics, producer: Any, store: Store, metrics: Metrics) -> None:
        self._topics = topics
        self._producer = producer
        self._store = store
        self._metrics = metrics

    async def parts(self, parts: Sequence[Part], wall_ms: int, check: Callable[[], None]) -> None:
        """What the windows need of the parts of a round; and after all of it, how far event time has come."""
        await asyncio.gather(*(self._part(part, check) for part in parts))
        seen = [(part.partition, part.high_ms, part.seen_ms) for part in parts if part.high_ms]
        await self.pulse(Pulse(wall_ms=wall_ms, seen=seen))

    async def pulse(self, pulse: Pulse) -> None:
        """To every partition of the windows, for as long as it takes."""
        topic, packed = self._topics.panes, deltas.encode(pulse)

        async def attempt() -> None:
            try:
                numbers = await self._producer.partitions_for(topic)
                sent = [await self._producer.send(topic, value=packed, partition=number) for number in sorted(numbers)]
                await asyncio.gather(*sent)
            except KafkaError as error:
                raise Unavailable(f"producing: {error!r}") from error

        await self._store.retrying("kafka", attempt, lambda: None)

    async def _part(self, part: Part, check: Callable[[], None]) -> None:
        for _, ingested in part.pieces:
            await self._store.retrying("kafka", partial(self._send, ingested), check)

    async def _send(self, ingested: Ingested) -> None:
        """Deltas and findings to their tenants' partitions, dead letters to theirs; all stored when this returns."""
        try:
            sent = [await self._send_panes(delta) for delta in ingested.deltas]
            sent += [await self._send_panes(marks) for marks in ingested.marks]
            sent += [
                await self._producer.send(
                    self._topics.evidence, value=records.encode(findings), key=findings.tenant.encode()
                )
                for findings in ingested.findings
            ]
            sent += [
                await self._producer.send(
                    self._topics.dead_letters, value=(letter.value or b"")[:_LETTER_BYTES], headers=_headers(letter)
                )
                for letter in ingested.dead
            ]
            await asyncio.gather(*sent)
        except KafkaError as error:
            raise Unavailable(f"producing: {error!r}") from error

    async def _send_panes(self, record: PaneDelta | Marks) -> Any:
        packed = deltas.encode(record)
        self._metrics.panes_records_total.inc()
        self._metrics.panes_bytes_total.inc(len(packed))
        return await self._producer.send(self._topics.panes, value=packed, key=record.tenant.encode())


def _headers(letter: DeadLetter) -> list[tuple[str, bytes]]:
    about = {
        "topic": letter.topic,
        "partition": str(letter.partition),
        "offset": str(letter.offset),
        "reason": letter.reason,
        "detail": letter.detail,
    }
    return [(f"tidewatch-{name}", value.encode()) for name, value in about.items()]
