"""How far the events of one key have come in the sequence of a policy.

A sequence has as many *places* as its steps have events, absent ones not counted. It is followed like a shift register:
for each place, the latest start of a sequence that has come as far as there. The latest is the best there can be, as
whatever completes any other completes that one within less time. So a key needs no more memory than a number for each
place, and each event a few comparisons, however many came before.
"""

from bisect import bisect_right, insort

import msgspec

from streams.compliance.sequences.marks import Seen, Witness
from streams.compliance.sequences.policy import SequencePolicy

MOST_RECENT = 64
"""Events of a key that wait for others that are late. When there are more, the first of them wait no longer."""

MOST_WAITING = 64
"""Events of a key that wait for an answer."""

_NONE = -1

Found = tuple[int, Witness]
"""When a policy was violated, epoch ms, and by which event."""


class Plan:
    """The places of a policy's sequence, and what an event of each step does to them."""

    def __init__(self, policy: SequencePolicy) -> None:
        self.within_ms = policy.within_ms
        self.deadline_ms = policy.deadline_ms
        self.answer = len(policy.steps) - 1 if policy.steps[-1].absent else None
        """The step that is waited for when all others are complete."""
        self._moves: list[range | int | None] = []
        """By step: its places, last one first; of an absent one, the place before it; None: the answer."""
        place = 0
        for number, step in enumerate(policy.steps):
            if step.absent:
                self._moves.append(None if number == self.answer else place - 1)
            else:
                self._moves.append(range(place + step.times - 1, place - 1, -1))
                place += step.times
        self.last = place - 1

    def take(self, starts: list[int], seen: Seen) -> bool:
        """Move on by one event; whether it completes a sequence. Later steps first: no event is two steps at once."""
        completed = False
        for step in reversed(seen.steps):
            move = self._moves[step]
            if isinstance(move, int):
                starts[move] = _NONE
            elif move is not None:
                for place in move:
                    start = starts[place - 1] if place else seen.time_ms
                    if start == _NONE:
                        continue
                    if place < self.last:
                        starts[place] = start
                    elif seen.time_ms - start <= self.within_ms:
                        completed = True
        return completed

    def expires_ms(self, starts: list[int]) -> int | None:
        """The last instant at which what has begun could be completed; None when nothing has."""
        latest = max(starts, default=_NONE)
        return None if latest == _NONE else latest + self.within_ms


class Progress(msgspec.Struct, array_like=True):
    """The state of one key, as it is kept in a snapshot too."""

    starts: list[int]
    """By place but the last: the latest start of a sequence that has come there; -1: none has."""
    recent: list[Seen]
    """Events that others may still come before, in their order."""
    waiting: list[Found]
    """Complete sequences that wait for an answer, in the order of their times."""
    settled_ms: int = 0
    """Events before this come too late."""
    wake_ms: int = 0
    """When there is something to do next."""

    @classmethod
    def new(cls, plan: Plan) -> "Progress":
        """Of a key that nothing is known of."""
        return cls([_NONE] * plan.last, [], [])

    def hold(self, seen: Seen) -> None:
        """Remember an event until no other can come before it."""
        insort(self.recent, seen, key=lambda each: each.order)

    def settle_first(self, plan: Plan) -> tuple[list[Found], bool]:
        """Settle the first event; violations, and whether one that waits for an answer was let go of."""
        seen = self.recent.pop(0)
        self.settled_ms = max(self.settled_ms, seen.time_ms)
        if plan.answer in seen.steps:
            self.waiting = [each for each in self.waiting if not 0 <= seen.time_ms - each[0] <= plan.deadline_ms]
        if not plan.take(self.starts, seen) or seen.reported:
            return [], False
        assert seen.witness is not None, "an event that completes a sequence says what it is"
        found = (seen.time_ms, seen.witness)
        if plan.answer is None:
            return [found], False
        if len(self.waiting) >= MOST_WAITING:
            return [], True
        self.waiting.append(found)
        return [], False

    def overdue(self, plan: Plan, until_ms: int) -> list[Found]:
        """What has waited for an answer for too long, at ``until_ms``; each at its deadline."""
        due = bisect_right(self.waiting, until_ms - plan.deadline_ms, key=lambda each: each[0])
        found = [(at_ms + plan.deadline_ms, witness) for at_ms, witness in self.waiting[:due]]
        del self.waiting[:due]
        return found

    def look(self, plan: Plan, now_ms: int) -> list[Found]:
        """Violations among the recent events up to ``now_ms`` that were not told yet."""
        starts, found = list(self.starts), []
        for seen in self.recent:
            if seen.time_ms > now_ms:
                break
            if plan.take(starts, seen) and not seen.reported:
                assert seen.witness is not None, "an event that completes a sequence says what it is"
                seen.reported = True
                found.append((seen.time_ms, seen.witness))
        return found

    def forget(self, plan: Plan, until_ms: int) -> bool:
        """Forget what can no longer be completed; whether nothing is left."""
        expires = plan.expires_ms(self.starts)
        if expires is not None and expires < until_ms:
            self.starts = [_NONE] * plan.last
            expires = None
        return expires is None and not self.recent and not self.waiting
