"""Who goes up and down and up again: Nagios' flap detection, in event time.

As in Nagios Core ("Detection and Handling of State Flapping", assets.nagios.com/downloads/nagioscore/docs): of the
last 21 results, each of the 20 possible changes of state weighs the more the newer it is, from 0.8 to 1.2. A component
flaps when the weighted share reaches 20 %, and no longer when it falls to 5 %, the thresholds of its sample
configuration. As for Nagios' hosts, a result that changes nothing counts once in 30 seconds, so that it does not matter
how often a service sends heartbeats.
"""

from itertools import pairwise

import msgspec

RESULTS = 21
EVERY_MS = 30_000
"""A state that lasts is a result again after this long."""
HIGH_PERCENT, LOW_PERCENT = 20.0, 5.0
_OLDEST, _NEWEST = 0.8, 1.2


class Condition(msgspec.Struct, array_like=True):
    """One component: how it is, and how it was lately. Epoch milliseconds of event time."""

    is_up: bool
    noted_ms: int
    """When the last of the results was noted."""
    results: list[bool]
    """Whether it was up, oldest first."""
    is_flapping: bool = False

    def see(self, at_ms: int, is_up: bool) -> bool:
        """A result that is not older than those before; whether it changed the state."""
        self.pass_to(at_ms)
        if is_up == self.is_up:
            return False
        self.is_up, self.noted_ms = is_up, at_ms
        self._note([is_up])
        return True

    def pass_to(self, now_ms: int) -> None:
        """Time passes, and the state lasts."""
        times = (now_ms - self.noted_ms) // EVERY_MS
        if times > 0:
            self.noted_ms += times * EVERY_MS
            self._note([self.is_up] * min(times, RESULTS))

    @property
    def percent(self) -> float:
        """The weighted share of changes, 0 to 100."""
        steps = RESULTS - 2
        first = RESULTS - len(self.results)
        weights = (
            _OLDEST + (_NEWEST - _OLDEST) * index / steps
            for index, (before, after) in enumerate(pairwise(self.results), first)
            if before != after
        )
        return 100 * sum(weights) / (RESULTS - 1)

    def _note(self, results: list[bool]) -> None:
        self.results = [*self.results, *results][-RESULTS:]
        percent = self.percent
        self.is_flapping = percent >= HIGH_PERCENT or (self.is_flapping and percent > LOW_PERCENT)
