"""Maintenance that is declared while the worker runs: its files are looked at again now and then.

Objectives themselves are read at the start, as rules are. What is wrong in a file is told, and what was known stays.
"""

import asyncio
import logging
from collections.abc import Callable

from schemas.failures import Rejected
from schemas.slo import Maintenance
from streams.slo.promises import Promises

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0


class MaintenanceStage:
    """Keeps the maintenance of the promises as the files have it; budgets and alerts follow from the next minute on."""

    def __init__(self, promises: Promises, load: Callable[[], list[Maintenance]], every: float = LOOK_SECONDS) -> None:
        """``load`` reads the files, and raises Rejected for what is wrong."""
        self._promises = promises
        self._load = load
        self._every = every
        self._wrong = ""

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._every)
            await self._look()

    async def _look(self) -> None:
        try:
            found = await asyncio.to_thread(self._load)
        except Rejected as error:
            if str(error) != self._wrong:
                log.error("the maintenance stays as it was: %s", error)
            self._wrong = str(error)
            return
        self._wrong = ""
        if found != self._promises.maintenance:
            log.info("%d pieces of maintenance are declared", len(found))
            self._promises.maintenance[:] = found
