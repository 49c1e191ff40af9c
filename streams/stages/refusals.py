"""When too much is refused."""

from schemas.failures import Rejected

_MINUTE, _FEWEST = 60.0, 1_000
"""How long refusals are counted, and of how many records at least a share is looked at."""


class Refusals:
    """Stops a worker that refuses nearly everything: a mistake in a deployment must not drain a topic."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._since = self._records = self._refused = 0.0

    def add(self, records: int, refused: int, now: float) -> None:
        """Count what was read and refused at ``now`` (seconds). Raises Rejected past the limit of a minute."""
        if now - self._since > _MINUTE:
            self._since, self._records, self._refused = now, 0, 0
        self._records += records
        self._refused += refused
        if self._records >= _FEWEST and self._refused > self._limit * self._records:
            raise Rejected(
                f"{self._refused:.0f} of {self._records:.0f} records within a minute were refused, more than "
                "limits.dead_letter_share allows; look at `tidewatch deadletters`, then start the worker again"
            )
