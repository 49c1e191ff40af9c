"""The sequences of a tenant: what is kept of them, and what an upgrade or another policy does to that.

``sequences-4.bin`` is what a shard of form 4 keeps; whoever changes that gives it a new number
(:mod:`tests.windows.test_versions`).
"""

from pathlib import Path

import msgspec
import pytest

from schemas.failures import Rejected
from streams.batch import Partition
from streams.compliance.sequences.board import Sequences, SequenceSettings, SequencesState
from streams.compliance.sequences.marks import About, Mark, Marks
from streams.compliance.sequences.policy import SequencePolicy
from streams.windows import deltas
from tests.compliance.sequences.policies import policy, step
from tests.windows.test_versions import shape

GOLDEN = Path(__file__).parent / "sequences-4.bin"

GUESSED = policy([step(times=2), step()], 1_000, name="guessed")
UNANSWERED = policy([step(), step(absent=True)], 0, 500, name="unanswered")
ABOUT = About("sshd", "security", "e7", b"\x07" * 32)


def marks(*found: Mark, policies: tuple[SequencePolicy, ...] = (GUESSED, UNANSWERED)) -> Marks:
    return Marks(
        tenant="acme",
        source=Partition("security", 3),
        incarnation="one",
        first=0,
        last=99,
        part=-1,
        policies=[(each.id, each.form) for each in policies],
        marks=list(found),
    )


def board(*policies: SequencePolicy) -> Sequences:
    return Sequences(SequenceSettings(policies), 100)


def state() -> Sequences:
    """One key has come half way, one has an event that may still be overtaken, one waits for an answer."""
    made = board(GUESSED, UNANSWERED)
    made.merge(
        marks(
            Mark(0, b"a", 10, (0,), 1, None),
            Mark(0, b"a", 20, (0,), 2, None),
            Mark(0, b"b", 250, (1,), 3, ABOUT),
            Mark(1, b"c", 30, (0,), 4, ABOUT),
        ),
        0,
    )
    assert made.advance(260) == []
    return made


def test_what_a_worker_of_this_form_kept_is_taken_up() -> None:
    """And goes on as if nothing had happened."""
    successor = board(GUESSED, UNANSWERED)
    successor.restore(msgspec.msgpack.decode(GOLDEN.read_bytes(), type=SequencesState))
    for made in (state(), successor):
        made.merge(marks(Mark(0, b"a", 300, (1,), 5, ABOUT)), 300)
        found = [(each.policy.id, each.time_ms, each.witness.offset) for each in made.advance(5_000)]
        assert found == [("guessed", 300, 5), ("unanswered", 530, 4)]
        assert len(made) == 0


def test_the_form_of_what_is_kept_is_that_of_the_golden_file() -> None:
    kept = msgspec.msgpack.decode(GOLDEN.read_bytes())
    assert shape(msgspec.msgpack.decode(msgspec.msgpack.encode(state().snapshot()))) == shape(kept)


def test_what_is_kept_of_a_policy_that_matches_other_events_now_is_dropped() -> None:
    """So are marks that a worker with the file of before has sent; the others go on."""
    changed = msgspec.structs.replace(UNANSWERED, form="other")
    successor = board(GUESSED, changed)
    successor.restore(state().snapshot())
    successor.merge(marks(Mark(0, b"a", 300, (1,), 5, ABOUT), Mark(1, b"d", 300, (0,), 6, ABOUT)), 300)
    assert [each.policy.id for each in successor.advance(5_000)] == ["guessed"]


def test_a_changed_sentence_keeps_what_was_kept() -> None:
    """The violation has the digest of the policy that tells it."""
    successor = board(GUESSED, msgspec.structs.replace(UNANSWERED, digest="e" * 64))
    successor.restore(state().snapshot())
    assert [(each.policy.id, each.policy.digest) for each in successor.advance(5_000)] == [("unanswered", "e" * 64)]


def test_marks_survive_the_broker_and_those_of_a_later_form_are_refused() -> None:
    sent = marks(Mark(0, b"a", 10, (0, 1), 1, None), Mark(1, b"b", 20, (0,), 2, ABOUT))
    assert deltas.decode(deltas.encode(sent)) == sent
    with pytest.raises(Rejected, match="later version"):
        deltas.decode(deltas.encode(marks(Mark(2, b"a", 10, (0,), 1, None))))


if __name__ == "__main__":
    GOLDEN.write_bytes(msgspec.msgpack.encode(state().snapshot()))
