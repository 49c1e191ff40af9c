"""The clock of event time: how far every source partition has come.

A partition's watermark is the highest event time seen in it less the allowed out-of-orderness; the clock is the
lowest of the active partitions. Whoever reads a partition says when it has been read to its end and nothing more
has come for a while; such an idle partition no longer holds the clock back. When all are idle the clock runs on with
the reader's wall clock from where the furthest partition stood, so that silence is noticed: a service that stops is
down even if no event ever comes again. What is out of order has come when it has been quiet for that long.

Everything here comes from records of the topic ``panes``, never from the clock of the process that merges them: a
stage that falls behind, or repeats records after a crash, sees event time pass exactly as it did before.
"""

import msgspec

from streams.batch import Partition


class Source(msgspec.Struct, array_like=True):
    """How far one partition has come. Epoch milliseconds."""

    high_ms: int
    """Highest event time; 0 while none is known."""
    wall_ms: int
    """The reader's clock when it was read."""
    idle_ms: int | None = None
    """The reader's clock when it last found nothing more; None while there is more to read."""


class WatermarkState(msgspec.Struct, array_like=True):
    """A watermark as it is kept in a snapshot."""

    reached_ms: int
    sources: list[tuple[Partition, Source]]


class Watermark:
    """The clock of a group of source partitions. It never goes backwards."""

    def __init__(self, out_of_orderness_ms: int) -> None:
        self.out_of_orderness_ms = out_of_orderness_ms
        self._sources: dict[Partition, Source] = {}
        self._reached = 0

    def observe(self, partition: Partition, high_ms: int, wall_ms: int) -> None:
        """Records of ``partition`` were read at ``wall_ms``, the latest of event time ``high_ms``."""
        source = self._sources.setdefault(partition, Source(0, wall_ms))
        source.high_ms = max(source.high_ms, high_ms)
        source.wall_ms = wall_ms
        source.idle_ms = None

    def expect(self, partition: Partition, wall_ms: int) -> None:
        """``partition`` is about to be read: what it holds may be older than what others have shown."""
        self._sources.setdefault(partition, Source(0, wall_ms)).idle_ms = None

    def idle(self, partition: Partition, wall_ms: int) -> None:
        """``partition`` has been read to its end, and nothing has come for a while, at ``wall_ms``."""
        self._sources.setdefault(partition, Source(0, wall_ms)).idle_ms = wall_ms

    def reached(self) -> int:
        """The clock; 0 before the first event."""
        active = [source.high_ms for source in self._sources.values() if source.idle_ms is None]
        if active:
            clock = min(active) - self.out_of_orderness_ms
        else:
            clock = max((self._run_on(source) for source in self._sources.values() if source.high_ms), default=0)
        self._reached = max(self._reached, clock)
        return self._reached

    def _run_on(self, source: Source) -> int:
        """Where the clock of an idle partition stands: the longer it has been quiet, the less may be out of order."""
        quiet_ms = max((source.idle_ms or 0) - source.wall_ms, 0)
        return source.high_ms + quiet_ms - max(self.out_of_orderness_ms - quiet_ms, 0)

    def snapshot(self) -> WatermarkState:
        """What :meth:`restore` needs."""
        return WatermarkState(self._reached, list(self._sources.items()))

    def restore(self, state: WatermarkState) -> None:
        """Go on from a snapshot."""
        self._reached = state.reached_ms
        self._sources = dict(state.sources)
