"""Steps of the protocol left out, one line each: the model must notice every one of them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import count
from typing import Any
from unittest.mock import patch

import numpy as np

from streams.stages.ingest import IngestStage
from streams.stages.store import Store

_numbers = count()
_write, _commit = IngestStage._write, IngestStage._commit


def no_token() -> AbstractContextManager[Any]:
    """Every insert is one that ClickHouse has not seen before."""
    return patch("streams.stages.ingest.token", lambda *_: f"{next(_numbers)}")


def no_declaration() -> AbstractContextManager[Any]:
    """A batch is written without saying before what it is made of."""

    async def nothing(self: IngestStage, offsets: Any, epoch: int) -> None:
        """Says nothing, unless it is that all is done."""
        done = {at: (offset, metadata) for at, (offset, metadata) in offsets.items() if not metadata}
        if done:
            await _commit(self, done, epoch)

    return patch.object(IngestStage, "_commit", nothing)


def no_read_back() -> AbstractContextManager[Any]:
    """An insert that was answered is believed to be there, whatever happened before."""

    async def all_there(self: Store, table: str, rows: Any, check: Any) -> Any:
        return np.zeros(len(rows["_offset"]), dtype=bool)

    return patch.object(Store, "_missing", all_there)


def commit_before_insert() -> AbstractContextManager[Any]:
    """A batch is acknowledged, and written afterwards."""

    async def swapped(self: IngestStage, parts: Any, due: Any, epoch: int) -> None:
        await self._commit({batch.partition: (batch.extent.last + 1, "") for batch in due}, epoch)
        await _write(self, parts, due, epoch)

    return patch.object(IngestStage, "_write", swapped)


MUTANTS: list[Callable[[], AbstractContextManager[Any]]] = [
    no_token,
    no_declaration,
    no_read_back,
    commit_before_insert,
]
