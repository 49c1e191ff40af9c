"""Sequences are found as their definition says, whatever the order in which events come, and whatever crashes."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.batch import Partition
from streams.compliance.sequences.marks import Seen, Witness
from streams.compliance.sequences.matcher import Matcher, MatcherState
from streams.compliance.sequences.policy import SequencePolicy
from streams.compliance.sequences.progress import MOST_RECENT, Found
from tests.compliance.sequences.policies import policy, step

SOURCE = Partition("security", 0)


class Event(NamedTuple):
    """An event with key ``key``, which comes ``delay`` after it happened."""

    time: int
    steps: tuple[int, ...]
    key: int
    delay: int


def witness(number: int) -> Witness:
    return Witness(b"%04d" % number, SOURCE, "one", number, "sshd", "security", str(number))


def defined(judged: SequencePolicy, events: list[Event]) -> list[Found]:
    """What the definition says of all events together: every choice of events is tried."""
    numbered = [(event.time, event.steps, number, event.key) for number, event in enumerate(events)]
    found = []
    for key in {event.key for event in events}:
        mine = sorted(each for each in numbered if each[3] == key)
        found += [(at, witness(mine[index][2])) for index, at in violations(judged, mine)]
    return sorted(found)


def violations(judged: SequencePolicy, mine: list[tuple[int, tuple[int, ...], int, int]]) -> Iterator[tuple[int, int]]:
    """The events that violate a policy, and when, among the events of one key in their order."""
    places = [number for number, each in enumerate(judged.steps) if not each.absent for _ in range(each.times)]
    waits = judged.steps[-1].absent

    def completes(index: int, place: int, end: int) -> bool:
        """Whether the event is the last of a sequence up to ``place`` that ends at ``end``."""
        time, steps = mine[index][:2]
        if places[place] not in steps or end - time > judged.within_ms:
            return False
        return place == 0 or any(
            completes(before, place - 1, end) and not undone(before, index, place) for before in range(index)
        )

    def undone(before: int, index: int, place: int) -> bool:
        forbidden = set(range(places[place - 1] + 1, places[place]))
        return any(forbidden & set(mine[between][1]) for between in range(before + 1, index))

    for index, (time, *_) in enumerate(mine):
        if not completes(index, len(places) - 1, time):
            continue
        if not waits:
            yield index, time
        elif not any(
            len(judged.steps) - 1 in later[1] and later[0] <= time + judged.deadline_ms for later in mine[index + 1 :]
        ):
            yield index, time + judged.deadline_ms


LATENESS = 6


@st.composite
def policies(draw: st.DrawFn) -> SequencePolicy:
    """One to three steps, some of them several events, with absent ones between them or after the last."""
    steps = []
    for number in range(draw(st.integers(1, 3))):
        if number and draw(st.booleans()):
            steps.append(step(absent=True))
        steps.append(step(times=draw(st.integers(1, 3))))
    waits = draw(st.booleans())
    if waits:
        steps.append(step(absent=True))
    return policy(steps, draw(st.integers(0, 15)), draw(st.integers(1, 12)) if waits else 0)


@st.composite
def stories(draw: st.DrawFn) -> tuple[SequencePolicy, list[Event]]:
    """A policy, and events of two keys; some are two steps at once, many happen at the same time."""
    judged = draw(policies())
    numbers = st.integers(0, len(judged.steps) - 1)
    steps = st.sets(numbers, min_size=1, max_size=2).map(lambda found: tuple(sorted(found)))
    event = st.builds(Event, st.integers(1, 25), steps, st.integers(0, 1), st.integers(0, LATENESS))
    return judged, draw(st.lists(event, max_size=14))


def again(judged: SequencePolicy, state: Matcher) -> Matcher:
    """The matcher of the worker that takes over."""
    packed = msgspec.msgpack.encode(state.snapshot())
    successor = Matcher(judged, 100, LATENESS)
    successor.restore(msgspec.msgpack.decode(packed, type=MatcherState))
    return successor


@given(stories(), st.data())
@settings(max_examples=400)
def test_what_is_found_is_what_the_definition_says(
    story: tuple[SequencePolicy, list[Event]], data: st.DataObject
) -> None:
    """Events come late and in another order, the clock is asked now and then, and workers are replaced on the way."""
    judged, events = story
    state, found = Matcher(judged, 100, LATENESS), []
    for number, event in sorted(enumerate(events), key=lambda each: each[1].time + each[1].delay):
        clock = event.time + event.delay
        if data.draw(st.booleans()):
            found += state.advance(clock)
        state.add(b"%d" % event.key, Seen(event.time, event.steps, witness(number)), clock)
        if data.draw(st.booleans()):
            state = again(judged, state)
    found += state.advance(1_000)
    assert sorted(found) == defined(judged, events)
    assert (state.late, state.overflowed) == (0, 0)
    assert len(state) == 0, "nothing is remembered for ever"


FAILURES = policy([step(times=3), step()], within_ms=100)
ANSWERED = policy([step(), step(absent=True)], within_ms=0, deadline_ms=50)


def fed(state: Matcher, *events: tuple[int, int], clock_ms: int = 0, key: bytes = b"k") -> Matcher:
    """Events as (time, step)."""
    for number, (time, number_of_step) in enumerate(events):
        state.add(key, Seen(time, (number_of_step,), witness(number)), clock_ms)
    return state


def test_a_violation_that_nothing_can_undo_is_told_when_the_clock_has_come_to_it() -> None:
    """It does not wait for events that are late."""
    state = fed(Matcher(FAILURES, 10, 1_000), (1, 0), (2, 0), (3, 0), (4, 1))
    assert state.next_ms() <= 4
    assert state.advance(3) == []
    assert state.advance(4) == [(4, witness(3))]
    assert state.advance(5_000) == []


def test_a_late_event_completes_a_sequence_after_its_last_event() -> None:
    """The violation is that of the last event all the same."""
    state = fed(Matcher(FAILURES, 10, 1_000), (1, 0), (2, 0), (4, 1))
    assert state.advance(500) == []
    state.add(b"k", Seen(3, (0,), witness(9)), 500)
    assert state.advance(501) == [(4, witness(2))]


def test_what_comes_too_late_is_counted_and_does_not_count() -> None:
    """The clock is further ahead than the lateness."""
    state = fed(Matcher(FAILURES, 10, 10), (1, 0), (2, 0))
    state.add(b"k", Seen(3, (0,), witness(9)), 14)
    assert state.late == 1


def test_a_deadline_passes_when_no_answer_can_come_any_more() -> None:
    """At the time of the deadline, and about the event that was not answered."""
    state = fed(Matcher(ANSWERED, 10, 7), (1, 0))
    assert state.advance(58) == []
    assert state.advance(59) == [(51, witness(0))]


def test_an_answer_at_the_last_moment_is_in_time() -> None:
    """One a millisecond later is not."""
    assert fed(Matcher(ANSWERED, 10, 7), (1, 0), (51, 1)).advance(99) == []
    assert fed(Matcher(ANSWERED, 10, 7), (1, 0), (52, 1)).advance(99) == [(51, witness(0))]


def test_keys_past_the_limit_are_left_out_and_counted() -> None:
    """Those that are known go on; when one is done with, there is room for another."""
    state = Matcher(FAILURES, 2, 0)
    for key in (b"a", b"b", b"c"):
        fed(state, (1, 0), (2, 0), (3, 0), key=key)
    assert (len(state), state.overflowed) == (2, 3)
    fed(state, (4, 1), key=b"a")
    assert state.advance(4) == [(4, witness(0))]
    state.advance(1_000)
    assert len(state) == 0


def test_a_flood_of_one_key_takes_little_memory_and_hides_nothing() -> None:
    """Of ten thousand failures, the first no longer wait for what may be late, and the success is found."""
    state = fed(Matcher(FAILURES, 10, 1_000_000), *((time, 0) for time in range(1, 10_001)), (10_002, 1))
    (kept,) = state.snapshot().keys
    assert len(kept[1].recent) == MOST_RECENT
    assert state.advance(10_002) == [(10_002, witness(10_000))]


def test_a_flood_of_what_is_never_answered_is_counted() -> None:
    """Some of it waits, the rest is left out."""
    state = fed(Matcher(ANSWERED, 10, 0), *((time, 0) for time in range(1, 1_001)))
    found = state.advance(900) + state.advance(5_000)
    assert len(found) + state.overflowed == 1_000
