"""What is fetched and not yet stored is bounded, but never so that nothing can go on."""

import asyncio

from streams.stages.transport import Backlog


def has_room(backlog: Backlog) -> bool:
    return asyncio.run(backlog.room(0.001))


def test_fetching_waits_while_there_is_too_much_and_goes_on_when_it_is_stored() -> None:
    backlog = Backlog(100)
    backlog.start(1)
    backlog.add(100)
    assert not has_room(backlog)

    backlog.done(1, 1)
    assert has_room(backlog)


def test_what_an_earlier_epoch_stored_makes_no_room() -> None:
    backlog = Backlog(100)
    backlog.start(2)
    backlog.add(100)

    backlog.done(100, 1)

    assert not has_room(backlog)


def test_a_batch_in_doubt_that_is_larger_than_the_limit_can_be_completed() -> None:
    """Its predecessor may have had more room, or have fetched it in other pieces."""
    backlog = Backlog(100)
    backlog.start(1)
    backlog.add(100)

    backlog.let_in()
    assert has_room(backlog)

    backlog.add(1)
    assert not has_room(backlog)
