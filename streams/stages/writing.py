"""What waits for ClickHouse is written by one task at a time; what comes meanwhile, by the next."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress


class InTurn(ABC):
    """Says what waits and how it is written; when, is said here."""

    def __init__(self) -> None:
        self._writing: asyncio.Task[None] | None = None

    @property
    @abstractmethod
    def _has_work(self) -> bool:
        """Whether something waits that :meth:`_write` has not taken."""

    @abstractmethod
    async def _write(self) -> None:
        """Write what waits."""

    @property
    def waiting(self) -> bool:
        """Whether something is not stored yet."""
        return self._writing is not None or self._has_work

    def flush(self) -> None:
        """Start to write what waits, unless something is being written."""
        if self._writing is not None and self._writing.done():
            self._writing.result()
            self._writing = None
        if self._writing is None and self._has_work:
            self._writing = asyncio.create_task(self._write())

    async def flushed(self) -> None:
        """Wait until everything is stored."""
        while self.waiting:
            self.flush()
            if self._writing is not None:
                await self._writing
                self.flush()

    async def break_off(self) -> None:
        """Write no further: the partitions are another's."""
        if self._writing is not None:
            self._writing.cancel()
            with suppress(asyncio.CancelledError):
                await self._writing
            self._writing = None
