"""A commit is sent for the generation in which it was decided, or not at all. Chaos found rows twice otherwise."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import IllegalGenerationError, NodeNotReadyError

from schemas.failures import Unavailable
from streams.batch import Partition
from streams.stages.transport import Fenced, _Thread

HERE = Partition("metrics", 7)


class Group:
    """A member as the consumer's thread sees it. ``meanwhile`` happens while it looks for the coordinator."""

    def __init__(self, meanwhile: Any = lambda group: None, answer: Exception | None = None) -> None:
        self.epoch, self.generation, self.sent = 1, 5, 0
        self.owned = {TopicPartition(*HERE)}
        self._meanwhile, self._answer = meanwhile, answer

    async def ensure_coordinator_known(self) -> None:
        self._meanwhile(self)

    async def _do_commit_offsets(self, _: Any, offsets: Any) -> None:
        self.sent += 1
        if self._answer is not None:
            raise self._answer

    async def commit(self) -> None:
        """In the first epoch."""
        consumer = SimpleNamespace(_coordinator=self, assignment=lambda: frozenset(self.owned))
        thread = SimpleNamespace(consumer=self, _ensure_consumer=lambda: consumer, _check_member=_Thread._check_member)
        thread._check_member = lambda *arguments: _Thread._check_member(thread, *arguments)
        await _Thread._commit_offsets(thread, {HERE: (44_166, "")}, 1)


async def test_a_commit_is_sent_once() -> None:
    group = Group()
    await group.commit()
    assert group.sent == 1


@pytest.mark.parametrize(
    ("name", "value"), [("epoch", 2), ("generation", -1), ("owned", set())], ids=["epoch", "generation", "owned"]
)
async def test_a_member_that_lost_its_place_while_it_looked_for_the_coordinator_sends_nothing(
    name: str, value: Any
) -> None:
    group = Group(meanwhile=lambda group: setattr(group, name, value))
    with pytest.raises(Fenced):
        await group.commit()
    assert not group.sent


async def test_a_commit_that_fails_is_not_repeated_behind_the_back_of_whoever_decided_it() -> None:
    group = Group(answer=NodeNotReadyError("away"))
    with pytest.raises(Unavailable):
        await group.commit()
    assert group.sent == 1


async def test_a_commit_of_an_old_generation_is_fenced() -> None:
    with pytest.raises(Fenced, match="refused"):
        await Group(answer=IllegalGenerationError("chaos")).commit()
