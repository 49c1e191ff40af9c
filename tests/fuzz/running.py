"""Runs a check on examples of Hypothesis until its time is over; what hangs or eats memory fails as well."""

import faulthandler
import random
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st

_EXAMPLES = 100
"""Of a round: Hypothesis combines what it has found within one."""

_PHASES = (Phase.generate, Phase.shrink)
_HANGS_AFTER = 120.0
"""Seconds for one example, on a machine that is busy with other things."""

_MEMORY = 3 << 30
"""Bytes that may be mapped beside what is mapped already: a bomb ends the test and not the machine."""


class Fuzz:
    """The time of one test."""

    def __init__(self, name: str, seconds: float) -> None:
        self.name = name
        self.examples = 0
        self._until = time.monotonic() + seconds

    def __call__(self, examples: st.SearchStrategy[Any], check: Callable[[Any], None]) -> None:
        """``check`` fails for an example by raising. Hypothesis makes that example small, and prints it."""

        def one(example: Any) -> None:
            self.examples += 1
            faulthandler.dump_traceback_later(_HANGS_AFTER, exit=True)
            try:
                check(example)
            finally:
                faulthandler.cancel_dump_traceback_later()

        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (_mapped() + _MEMORY, hard))
        try:
            while self._round(examples, one):
                pass
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))

    def _round(self, examples: st.SearchStrategy[Any], one: Callable[[Any], None]) -> bool:
        """Whether there is time for another."""
        number = random.getrandbits(32)

        @seed(number)
        @settings(max_examples=_EXAMPLES, database=None, phases=_PHASES, suppress_health_check=list(HealthCheck))
        @given(examples)
        def checked(example: Any) -> None:
            note(f"round {number}")
            one(example)

        checked()
        return time.monotonic() < self._until


def _mapped() -> int:
    if sys.platform != "linux":
        return 1 << 40
    with open("/proc/self/statm") as statm:  # noqa: PTH123 - a line of the kernel's
        return int(statm.read().split()[0]) * resource.getpagesize()
