"""The daily report on service levels: written to a directory by one of the workers, and announced as an event.

The owner of the first partition of ``panes`` writes.

Delivery: files first, each at once under its name, then the event. A worker that dies in between, or loses the
partition, leaves it to the next one, which finds no event in ClickHouse and writes again: a report may be announced
twice, and is never forgotten while one of the last seven days is missing.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from embedded.refused import Refused
from schemas import cloudevents
from schemas.config import Config
from schemas.failures import Rejected, Unavailable
from schemas.sla import Sla
from sinks.clickhouse import ClickHouse
from sinks.kafka import key_of
from streams.api.queries import asking
from streams.batch import Partition
from streams.reports import schedule
from streams.reports.asking import Ask, rows
from streams.reports.digest import digest
from streams.reports.document import Period, Report
from streams.reports.formats import render
from streams.reports.sla.report import sla_report
from streams.reports.sla.scope import Scope
from streams.slo.files import Objectives
from streams.stages.transport import BatchConsumer

log = logging.getLogger(__name__)

LOOK_SECONDS = 20.0
SETTLE_SECONDS = 60.0
"""After a partition was taken up: what the owner before has announced is in ClickHouse by then."""
AGAIN_SECONDS = 600.0
"""After a failure."""


class Due(NamedTuple):
    """A report that is missing."""

    tenant: str
    period: Period


class ReportStage:
    """Looks now and then whether a day is over."""

    def __init__(
        self,
        config: Config,
        clickhouse: ClickHouse,
        promised: Callable[[], Objectives],
        sla: Sla,
        producer: Any,
        consumer: Callable[[], BatchConsumer],
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        settle: float = SETTLE_SECONDS,
    ) -> None:
        """``promised`` reads the files of objectives, so that maintenance declared meanwhile counts."""
        self.config = config
        self._clickhouse = clickhouse
        self._promised = promised
        self._sla = sla
        self._producer = producer
        self._consumer = consumer
        self._now_ms = now_ms
        self._settle = settle
        self._epoch = -1
        self._ready_at = 0.0
        self._written: set[tuple[str, str]] = set()
        self._looked_at: Period | None = None

    async def run(self) -> None:
        """Look again and again, until cancelled; at once for good when no directory is configured."""
        while self.config.reports.directory:
            await asyncio.sleep(min(LOOK_SECONDS, self._settle + 0.1))
            try:
                await self.look()
            except (Rejected, Unavailable, Refused, OSError) as error:
                log.error("no report this time, again in %.0f s: %s", AGAIN_SECONDS, error)
                self._ready_at = time.monotonic() + AGAIN_SECONDS
        await asyncio.Event().wait()

    async def look(self) -> None:
        """Write what is due, if it is ours to write."""
        if not self._is_ours():
            return
        reports = self.config.reports
        days = schedule.due(reports.zone, round(reports.after * 1000), self._now_ms())
        if days[-1] == self._looked_at:
            return
        missing = await asyncio.to_thread(lambda: list(self._missing(asking(self._clickhouse), days)))
        for each in missing:
            made = await asyncio.to_thread(self._made, each)
            if not self._is_ours():
                return
            await self._hand_out(made)
        self._looked_at = days[-1]

    def _is_ours(self) -> bool:
        """Whether we own the first partition of ``panes``, and have for a while."""
        consumer = self._consumer()
        if Partition(self.config.topics.panes, 0) not in consumer.owned:
            self._epoch = -1
            return False
        if consumer.epoch != self._epoch:
            self._epoch, self._looked_at = consumer.epoch, None
            self._ready_at = time.monotonic() + self._settle
        return time.monotonic() >= self._ready_at

    def _missing(self, ask: Ask, days: list[Period]) -> Iterator[Due]:
        known = {(row["tenant"], row["period"]) for row in rows(ask, schedule.announced(days[0].end_ms))}
        for day in days:
            for row in rows(ask, schedule.tenants(day)):
                if (row["tenant"], day.name) not in known | self._written:
                    yield Due(row["tenant"], day)

    def _made(self, due: Due) -> Report:
        windows, promised = self.config.windows, self._promised()
        scope = Scope(
            tenant=due.tenant,
            period=due.period,
            maintenance=tuple(promised.maintenance),
            window_ms=min(windows.sizes) * 1000,
            out_of_orderness_ms=int(windows.out_of_orderness * 1000),
        )
        made_by = f"tidewatch {version('tidewatch')}"
        ask = asking(self._clickhouse)
        report = sla_report(ask, scope, promised.objectives, self._sla, self._now_ms(), made_by)
        for name in self.config.reports.formats:
            _write(
                Path(self.config.reports.directory) / schedule.file_name(due.tenant, report.kind, due.period, name),
                render(report, name),
            )
        return report

    async def _hand_out(self, report: Report) -> None:
        found = digest(report)
        event = schedule.announcement(report, found, self.config.reports.formats, self._now_ms())
        sent = await self._producer.send(self.config.topics.metrics, value=cloudevents.encode(event), key=key_of(event))
        await sent
        self._written.add((report.tenant, report.period.name))
        log.info("wrote the report of %s for %s: %s", report.period.name, report.tenant, found)


def _write(file: Path, content: bytes) -> None:
    """All of it or nothing, under its name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.part")
    part.write_bytes(content)
    part.replace(file)
