"""What is committed is what the broker says, once it can say it."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition, errors
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.protocol.commit import OffsetFetchResponse_v1, OffsetFetchResponse_v3
from aiokafka.structs import OffsetAndMetadata

from streams.stages import transport
from streams.stages.offsets import Coordinator

HERE = TopicPartition("metrics", 7)
FOUND = OffsetFetchResponse_v3(0, [("metrics", [(7, 14_082, "2,40324,1,27757", 0)])], 0)


def failed(error: type[errors.KafkaError]) -> OffsetFetchResponse_v3:
    """As a broker answers for the whole group."""
    return OffsetFetchResponse_v3(0, [], error.errno)


class Member(Coordinator):
    """A member whose broker gives these answers, one after the other."""

    def __init__(self, *answers: Any) -> None:
        self.group_id, self.coordinator_id, self._retry_backoff_ms = "g", 1, 0
        self.answers, self.lost = list(answers), 0
        self._client = SimpleNamespace(send=self._answer)

    async def _answer(self, *_: Any, **__: Any) -> Any:
        return self.answers.pop(0)

    async def ensure_coordinator_known(self) -> None:
        pass

    def coordinator_dead(self) -> None:
        self.lost += 1


@pytest.mark.parametrize("error", [errors.GroupLoadInProgressError, errors.NotCoordinatorForGroupError])
async def test_a_broker_that_cannot_tell_yet_is_asked_again(error: type[errors.KafkaError]) -> None:
    member = Member(failed(error), failed(error), FOUND)

    assert await member.fetch_committed_offsets([HERE]) == {HERE: OffsetAndMetadata(14_082, "2,40324,1,27757")}
    assert member.lost == (2 if error is errors.NotCoordinatorForGroupError else 0)


async def test_what_asking_again_does_not_help_is_raised() -> None:
    with pytest.raises(errors.GroupAuthorizationFailedError):
        await Member(failed(errors.GroupAuthorizationFailedError)).fetch_committed_offsets([HERE])


async def test_nothing_committed_and_answers_of_old_brokers_are_no_errors() -> None:
    nothing = OffsetFetchResponse_v1([("metrics", [(7, -1, "", 0)])])

    assert await Member(nothing).fetch_committed_offsets([HERE]) == {}


async def test_without_it_the_error_is_taken_for_nothing_committed() -> None:
    """When this fails, aiokafka has learned it, and the class can go."""
    member = Member(failed(errors.GroupLoadInProgressError))
    member._send_req = GroupCoordinator._send_req.__get__(member)  # type: ignore[method-assign]

    assert await member.fetch_committed_offsets([HERE]) == {}


async def test_every_consumer_has_such_a_coordinator(kafka: str) -> None:
    """Those of workers are made by the transport."""
    member = transport.consumers.AIOKafkaConsumer("metrics", bootstrap_servers=kafka, group_id="offsets")
    await member.start()
    try:
        assert type(member._coordinator) is Coordinator
    finally:
        await member.stop()
