"""Shards kept in Kafka: packed windows once, when they have closed, and all else that changes with every snapshot.

A snapshot refers to the bundles in which the windows are that had closed before it. So what is written every time grows
with the open windows, not with the lateness; and nothing is ever packed twice.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import msgspec

from schemas.config import Config
from streams.batch import Partition
from streams.stages import snapshots
from streams.stages.snapshots import Located, Lost
from streams.telemetry.metrics import Metrics
from streams.windows import versions
from streams.windows.kept import Name
from streams.windows.shard import Shard, ShardState, references

log = logging.getLogger(__name__)

_KEPT_SECONDS = 86_400.0
"""After so long a window is written again, before the topic lets go of it; only a clock that stands needs that."""

_Bundle = list[tuple[Name, bytes]]


class KeptShards:
    """Writes and reads the shards of one worker."""

    def __init__(self, config: Config, producer: Any, new_shard: Callable[[], Shard], metrics: Metrics) -> None:
        self.config = config
        self.producer = producer
        self.new_shard = new_shard
        self.metrics = metrics
        self._bundles: dict[Partition, dict[Name, tuple[str, float]]] = {}
        """Where each packed window, and each chunk of minutes, is, and when it was written."""

    async def keep(self, partition: Partition, shard: Shard) -> str:
        """Write a shard, to which nothing may be merged meanwhile; the metadata to commit with its offset.

        Raises Unavailable.
        """
        packed, known = shard.packed(), self._bundles.setdefault(partition, {})
        for window in known.keys() - packed.keys():
            del known[window]
        oldest = time.monotonic() - _KEPT_SECONDS
        if new := [item for item in packed.items() if known.get(item[0], ("", oldest))[1] <= oldest]:
            bundle = await self._store(partition, msgspec.msgpack.encode(new))
            known.update((window, (bundle, time.monotonic())) for window, _ in new)
        where = {window: bundle for window, (bundle, _) in known.items()}
        snapshot = await asyncio.to_thread(shard.snapshot, where)
        self.metrics.snapshot_bytes.set(len(snapshot))
        return await self._store(partition, snapshot)

    async def take_up(self, partition: Partition, metadata: str) -> Shard:
        """The shard that a commit names; a new one when its snapshot is gone from the topic. Raises Unavailable."""
        shard = self.new_shard()
        try:
            [packed] = await self._read(partition, [metadata])
            state = versions.decode(packed)
            windows = await self._windows(partition, state)
        except Lost as lost:
            log.error("the windows of %s begin anew with what `panes` still keeps: %s", partition, lost)
            return shard
        await asyncio.to_thread(shard.restore, state, windows)
        return shard

    async def _windows(self, partition: Partition, state: ShardState) -> dict[Name, bytes]:
        """The windows that a snapshot refers to."""
        where = references(state)
        bundles = sorted(set(where.values()))
        found: dict[Name, bytes] = {}
        for bundle, content in zip(bundles, await self._read(partition, bundles), strict=True):
            found |= {window: packed for window, packed in _decode(content) if where.get(window) == bundle}
        self._bundles[partition] = {window: (bundle, time.monotonic()) for window, bundle in where.items()}
        return found

    async def _store(self, partition: Partition, content: bytes) -> str:
        topic = self.config.topics.snapshots
        return (await snapshots.store(self.producer, topic, partition.number, content)).metadata()

    async def _read(self, partition: Partition, metadata: list[str]) -> list[bytes]:
        return await snapshots.read_all(self.config, partition.number, [Located.parse(each) for each in metadata])


def _decode(content: bytes) -> _Bundle:
    return msgspec.msgpack.decode(content, type=_Bundle)
