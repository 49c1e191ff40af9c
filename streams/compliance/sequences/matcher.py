"""Finds the sequences of one policy among the events of a tenant, whatever the order in which they come. Pure.

An event is *settled* when the clock is so far past it that none can come before it any more: then what follows from it
is final. Violations that no late event could undo are told before, as soon as the clock has passed their last event.
"""

from bisect import bisect_right
from heapq import heapify, heappop, heappush

import msgspec

from streams.compliance.sequences.marks import Seen
from streams.compliance.sequences.policy import SequencePolicy
from streams.compliance.sequences.progress import MOST_RECENT, Found, Plan, Progress
from streams.promql.storage import FOREVER


class MatcherState(msgspec.Struct, array_like=True):
    """A matcher as it is kept in a snapshot."""

    policy: str
    form: str
    keys: list[tuple[bytes, Progress]]
    found: list[Found]


class Matcher:
    """The keys of one policy, at most ``limit`` of them. Late: more than ``lateness_ms`` behind the clock."""

    def __init__(self, policy: SequencePolicy, limit: int, lateness_ms: int) -> None:
        self.policy = policy
        self.overflowed = 0
        """Events that were left out because too many keys, or events of a key, are remembered."""
        self.late = 0
        """Events that came too late."""
        self._plan = Plan(policy)
        self._prompt = policy.is_prompt
        self._limit = limit
        self._lateness_ms = lateness_ms
        self._settles_ms = lateness_ms + 1
        """When none comes before an event any more, after it: who is late by all of the lateness still does."""
        self._keys: dict[bytes, Progress] = {}
        self._wakes: list[tuple[int, bytes]] = []
        """A heap of when there is something to do, and for which key; outdated where the key says otherwise."""
        self._found: list[Found] = []

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: bytes, seen: Seen, clock_ms: int) -> None:
        """An event with ``key``, which came when the clock stood at ``clock_ms``."""
        progress = self._keys.get(key)
        if seen.time_ms < max(clock_ms - self._lateness_ms, progress.settled_ms if progress else 0):
            self.late += 1
            return
        if progress is None:
            if len(self._keys) >= self._limit:
                self.overflowed += 1
                return
            progress = self._keys[key] = Progress.new(self._plan)
        progress.hold(seen)
        if len(progress.recent) > MOST_RECENT:
            self._settle_first(progress)
        self._wake(key, progress, seen.time_ms if self._prompt else seen.time_ms + self._settles_ms)

    def advance(self, now_ms: int) -> list[Found]:
        """The violations that are certain when the clock has come to ``now_ms``, in the order of their times."""
        while self._wakes and self._wakes[0][0] <= now_ms:
            at_ms, key = heappop(self._wakes)
            progress = self._keys.get(key)
            if progress is not None and progress.wake_ms == at_ms:
                self._pass(key, progress, now_ms)
        found, self._found = self._found, []
        return sorted(found)

    def next_ms(self) -> int:
        """When :meth:`advance` may find something, if nothing is added before."""
        if self._found:
            return 0
        return self._wakes[0][0] if self._wakes else FOREVER

    def snapshot(self) -> MatcherState:
        """What :meth:`restore` needs."""
        return MatcherState(self.policy.id, self.policy.form, list(self._keys.items()), self._found)

    def restore(self, state: MatcherState) -> None:
        """Go on from a snapshot of the same form."""
        self._keys = dict(state.keys)
        self._found = list(state.found)
        self._wakes = [(progress.wake_ms, key) for key, progress in self._keys.items()]
        heapify(self._wakes)

    def _pass(self, key: bytes, progress: Progress, now_ms: int) -> None:
        until_ms = now_ms - self._settles_ms
        while progress.recent and progress.recent[0].time_ms <= until_ms:
            self._settle_first(progress)
        self._found += progress.overdue(self._plan, until_ms)
        if self._prompt:
            self._found += progress.look(self._plan, now_ms)
        if progress.forget(self._plan, until_ms):
            del self._keys[key]
        else:
            progress.wake_ms = FOREVER
            self._wake(key, progress, self._next_ms(progress, now_ms))

    def _settle_first(self, progress: Progress) -> None:
        found, let_go = progress.settle_first(self._plan)
        self._found += found
        self.overflowed += let_go

    def _next_ms(self, progress: Progress, now_ms: int) -> int:
        """When to look at a key again: something settles, is to be told, is overdue, or can be forgotten."""
        instants = []
        if progress.recent:
            instants.append(progress.recent[0].time_ms + self._settles_ms)
            coming = bisect_right(progress.recent, now_ms, key=lambda seen: seen.time_ms)
            if self._prompt and coming < len(progress.recent):
                instants.append(progress.recent[coming].time_ms)
        if progress.waiting:
            instants.append(progress.waiting[0][0] + self._plan.deadline_ms + self._settles_ms)
        expires = self._plan.expires_ms(progress.starts)
        if expires is not None:
            instants.append(expires + self._settles_ms + 1)
        return min(instants)

    def _wake(self, key: bytes, progress: Progress, at_ms: int) -> None:
        if not progress.wake_ms or at_ms < progress.wake_ms:
            progress.wake_ms = at_ms
            heappush(self._wakes, (at_ms, key))
