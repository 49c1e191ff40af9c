"""One run of the model: two workers, made of the real stages, and faults as planned; at the end everything is exact."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from opentelemetry.trace import NoOpTracer
from prometheus_client import CollectorRegistry

from streams.batch import Partition
from streams.stages.ingest import IngestStage
from streams.stages.sealing import Sealing
from streams.stages.store import Store
from streams.stages.transport import Delivery
from streams.stages.windows import WindowStage
from streams.telemetry.metrics import Metrics
from tests.model import workload
from tests.model.clickhouse import Sink, Tables
from tests.model.kafka import Broker, Consumer, Offsets, Producer, Reader, expire_after_session
from tests.model.loop import Loop
from tests.model.plan import Plan
from tests.model.world import Process, World

WORKERS = 2
PATIENCE = 900.0
"""Virtual seconds for everything: a protocol that is safe and never gets anywhere is wrong too."""


class Violation(AssertionError):  # noqa: N818 - named after what it is
    """An invariant does not hold."""


class Outcome:
    """What a run met, for those who want to know that the hard cases were among it."""

    def __init__(self, world: World, metrics: Metrics) -> None:
        self.met = world.met
        self.requests = world.requests
        for sample in next(iter(metrics.recovered_batches_total.collect())).samples:
            if sample.name.endswith("_total"):
                self.met[f"recovered batch {sample.labels['outcome']}"] += int(sample.value)
        for sample in next(iter(metrics.repaired_rows_total.collect())).samples:
            if sample.name.endswith("_total"):
                self.met["rows repaired"] += int(sample.value)
        for sample in next(iter(metrics.protocol_anomalies_total.collect())).samples:
            if sample.name.endswith("_total") and sample.value:
                raise Violation(f"the auditor saw: {sample.labels['kind']}")


def run(plan: Plan) -> Outcome:
    """Raises :class:`Violation` when the truth is not what comes out."""
    loop = Loop()
    try:
        with _time_of(loop):
            return loop.run_until_complete(_Model(plan, loop).story())
    finally:
        loop.close()


class _Worker:
    """The stages of a worker, and who feeds them."""

    def __init__(self, model: "_Model") -> None:
        world = model.world
        self.process = Process()
        self.consumer = Consumer(world, self.process, model.broker, self._take)
        self.queues: dict[str, asyncio.Queue[Delivery]] = {at.topic: asyncio.Queue() for at in model.broker.partitions}
        producer = Producer(world, self.process, model.broker)
        store = Store(Sink(world, self.process, model.tables), model.metrics)  # type: ignore[arg-type]
        common: Any = (store, producer, lambda: self.consumer)
        ingest = workload.new_ingest()
        told = (model.metrics, NoOpTracer(), Sealing(store, None))
        self.ingest = IngestStage(workload.CONFIG, ingest, *common, _incarnations, *told)
        self.windows = WindowStage(workload.CONFIG, workload.new_shard, *common, _incarnations, model.metrics)
        self.stages = [asyncio.ensure_future(stage.run()) for stage in (self.ingest, self.windows)]
        offers = {"metrics": self.ingest.offer, "panes": self.windows.offer}
        self.agents = [asyncio.ensure_future(self._agent(topic, offers[topic])) for topic in self.queues]
        model.broker.join(self.consumer)

    def _take(self, delivery: Delivery) -> None:
        self.queues[delivery.batch.partition.topic].put_nowait(delivery)

    async def _agent(self, topic: str, offer: Any) -> None:
        while True:
            await offer(await self.queues[topic].get())

    async def stop(self) -> None:
        """What a worker does on SIGTERM, in the order of :mod:`streams.worker`."""
        for stage in self.stages:
            stage.cancel()
            await asyncio.gather(stage, return_exceptions=True)
        await self.process.running()
        self.consumer.broker.leave(self.consumer)
        self.process.end()


class _Model:
    """The world, the far sides, the workers, and what must be true of them."""

    def __init__(self, plan: Plan, loop: Loop) -> None:
        self.loop = loop
        self.world = World(plan)
        self.metrics = Metrics(CollectorRegistry())
        self.tables = Tables()
        self.broker = Broker(self.world, [*workload.SOURCES, workload.PANES], self._audit)
        self.workers: list[_Worker] = []
        self.tasks: set[asyncio.Future[Any]] = set()
        self.world.killed = self._killed
        self.world.frozen = self._frozen
        self.world.stopped = lambda process: self._start(self._stop(process))
        self.world.rebalance = self.broker.changed.set

    async def story(self) -> Outcome:
        """Publish, suffer, settle, close the window, compare."""
        with patch("streams.stages.snapshots.AIOKafkaConsumer", lambda **_: Reader(self.broker)):
            try:
                self._start(self.broker.run())
                for _ in range(WORKERS):
                    self.workers.append(_Worker(self))
                self._start(self._publish())
                await self._until(self._settled, "every offset to be acknowledged")
                for at in workload.SOURCES:
                    self.broker.append(at, workload.records(at.number)[-1])
                await self._until(self._settled, "the last offsets to be acknowledged")
                await self._until(lambda: not self._wrong_windows(), "the windows")
                self._compare()
                return Outcome(self.world, self.metrics)
            finally:
                await self._end()

    async def _publish(self) -> None:
        for offset in range(workload.RECORDS):
            for at in workload.SOURCES:
                self.broker.append(at, workload.records(at.number)[offset])
            await asyncio.sleep(self.world.random.choice((0.0, 0.02, 0.3)))

    def _settled(self) -> bool:
        done = {at: (len(self.broker.logs[at]), "") for at in workload.SOURCES}
        enough = all(len(self.broker.logs[at]) >= workload.RECORDS for at in workload.SOURCES)
        return enough and all(self.broker.committed.get(at) == done[at] for at in workload.SOURCES)

    async def _until(self, condition: Any, what: str) -> None:
        while not condition():
            await asyncio.sleep(0.25)
            self._fail_early()
            if self.loop.time() > 1000 + PATIENCE:
                raise Violation(
                    f"waited for {what} in vain; committed: {self.broker.committed}; "
                    f"wrong windows (found, expected): {self._wrong_windows()}"
                )
        self._fail_early()

    def _fail_early(self) -> None:
        if self.world.violations:
            raise Violation(self.world.violations[0])
        if self.loop.spun:
            raise Violation("a busy loop: no time passes")
        for worker in self.workers:
            for task in (*worker.stages, *worker.agents):
                if task.done() and not task.cancelled() and task.exception():
                    raise Violation(f"a worker ended: {task.exception()!r}") from task.exception()
        for at, expected in workload.expected_rows().items():
            stored = self.tables.located[at]
            if more := stored - expected:
                raise Violation(f"rows of {at} that are there too often: {sorted(more)}")

    def _audit(self, offsets: Offsets) -> None:
        """No offset is committed before its data."""
        for at, (offset, _) in offsets.items():
            expected = workload.expected_rows().get(at, Counter()) if at in workload.SOURCES else Counter()
            before = Counter({key: count for key, count in expected.items() if key[1] < offset})
            if missing := before - self.tables.located[at]:
                self.world.violations.append(f"{offset} of {at} was committed before these rows: {sorted(missing)}")

    def _wrong_windows(self) -> dict[Any, Any]:
        """(found, expected)"""
        found, expected = self.tables.final("windows", workload.WINDOW_KEY), workload.expected_windows()
        return {at: (found.get(at), row) for at, row in expected.items() if found.get(at) != row}

    def _compare(self) -> None:
        for at, expected in workload.expected_rows().items():
            if missing := expected - self.tables.located[at]:
                raise Violation(f"rows of {at} that are not there: {sorted(missing)}")

    def _of(self, process: Process) -> _Worker:
        return next(worker for worker in self.workers if worker.process is process)

    def _killed(self, process: Process) -> None:
        expire_after_session(self._of(process).consumer)
        self._start(self._start_another())

    def _frozen(self, process: Process) -> None:
        consumer = self._of(process).consumer
        expire_after_session(consumer)
        self._start(consumer.rejoin())

    async def _stop(self, process: Process) -> None:
        await self._of(process).stop()
        await self._start_another()

    async def _start_another(self) -> None:
        await asyncio.sleep(self.world.random.uniform(0.2, 3.0))
        self.workers.append(_Worker(self))

    def _start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _end(self) -> None:
        """Nobody does anything any more."""
        for worker in self.workers:
            worker.process.end()
        with suppress(TimeoutError):
            async with asyncio.timeout(100):
                while others := asyncio.all_tasks() - {asyncio.current_task()}:  # type: ignore[arg-type]
                    for task in others:
                        task.cancel()
                    await asyncio.sleep(1)


async def _incarnations() -> dict[str, str]:
    return {"metrics": "first"}


@contextmanager
def _time_of(loop: Loop) -> Iterator[None]:
    """The stages' clocks are the loop's, and their snapshots more frequent, as runs are short."""
    clock = SimpleNamespace(monotonic=loop.monotonic, time_ns=lambda: int((workload.START - 1000 + loop.time()) * 1e9))
    with ExitStack() as stack:
        for module in ("ingest", "store", "windows"):
            stack.enter_context(patch(f"streams.stages.{module}.time", clock))
        stack.enter_context(patch("streams.stages.store.random", SimpleNamespace(uniform=lambda low, high: high)))
        stack.enter_context(patch("streams.stages.windows.SNAPSHOT_SECONDS", 2.0))
        stack.enter_context(patch("streams.ingest.fold._RECORD_BYTES", 300))
        yield


__all__ = ["Outcome", "Partition", "Violation", "run"]
