"""Rows on their way to ClickHouse: what identifies somebody is encrypted before it leaves the worker.

It is done when rows are inserted and not when they are folded, because keys are in ClickHouse: while that is away,
windows and alerts go on without them.
"""

import asyncio
from collections.abc import Mapping
from functools import partial

from streams.batch import Rows
from streams.stages.keyring import Keyring
from streams.stages.store import Check, Store

SEALED = "sealed"
"""The column that has the secrets of a row before, and their ciphertexts afterwards."""


class Sealing:
    """Without a keyring, because there are no keys, there are no secrets either."""

    def __init__(self, store: Store, keyring: Keyring | None) -> None:
        self._store = store
        self._keyring = keyring
        self._alone = asyncio.Lock()

    async def __call__(self, tables: Mapping[str, Rows], check: Check) -> Mapping[str, Rows]:
        """The rows of a batch as they may be stored, for as long as it takes; ``check`` ends it."""
        if self._keyring is None or not any(any(rows.get(SEALED, ())) for rows in tables.values()):
            return tables
        async with self._alone:
            return await self._store.retrying("keys", partial(asyncio.to_thread, _sealed, tables, self._keyring), check)


def _sealed(tables: Mapping[str, Rows], keyring: Keyring) -> dict[str, Rows]:
    return {
        table: {**rows, SEALED: keyring.sealed(rows[SEALED])} if SEALED in rows else rows  # type: ignore[arg-type]
        for table, rows in tables.items()
    }
