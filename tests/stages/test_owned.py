"""A batch grows part by part until it is inserted, and a successor cuts it as its predecessor did."""

from streams.batch import Partition, Position, RecordBatch
from streams.ingest.ingest import Ingested
from streams.stages.owned import MOST_PARTS, Owned, Part, Taken
from streams.stages.protocol import Declared

HERE = Partition("metrics", 3)
ENOUGH = 1_000


def records(first: int, count: int) -> RecordBatch:
    offsets = range(first, first + count)
    return RecordBatch(HERE, offsets, [b"%d" % at for at in offsets], None, list(offsets), first + count)


def part(taken: Taken | None) -> Part:
    """What folding gives, but for its rows."""
    assert taken is not None
    folded = [
        (piece, Ingested({"raw_metrics": {"_offset": list(piece.offsets)}}, [], [], {}, 1)) for piece in taken.pieces
    ]
    return Part(folded, taken.wall_ms, taken.wall_ms, taken.doubt)


def grown(owned: Owned, *counts: int) -> None:
    """Rounds of so many records each, the first at offset 0; every one is declared."""
    at = 0
    for number, count in enumerate(counts):
        owned.offer(records(at, count), 0.0)
        owned.add(part(owned.take(50_000, wall_ms=100 + number)), due=10.0).declared = True
        at += count


def test_a_batch_is_declared_with_all_its_parts_and_the_clock_of_the_first() -> None:
    owned = Owned(None, 0.0)
    grown(owned, 5, 3, 2)

    assert owned.batch is not None
    assert owned.batch.extent == Declared(0, 9, 100, (4, 7))
    assert owned.batch.tables() == {"raw_metrics": {"_offset": list(range(10))}}
    assert owned.stored_to(position=10) == 0


def test_a_successor_folds_the_same_parts_with_the_same_clock() -> None:
    owned = Owned(Declared(0, 9, 100, (4, 7)), 0.0)
    owned.offer(records(0, 6), 0.0)
    assert owned.take(50_000, wall_ms=999) is None
    owned.offer(records(6, 20), 0.0)
    taken = owned.take(50_000, wall_ms=999)

    assert taken is not None
    assert [list(piece.offsets) for piece in taken.pieces] == [[0, 1, 2, 3, 4], [5, 6, 7], [8, 9]]
    assert taken.wall_ms == 100
    batch = owned.add(part(taken), due=10.0)
    assert batch.extent == Declared(0, 9, 100, (4, 7))


def test_a_batch_in_doubt_is_inserted_before_anything_is_added_to_it() -> None:
    """Its predecessor may have begun to, and the token stands for just these rows."""
    owned = Owned(Declared(0, 9, 100, (4,)), 0.0)
    owned.offer(records(0, 20), 0.0)
    batch = owned.add(part(owned.take(50_000, wall_ms=999)), due=10.0)
    batch.declared = True

    assert batch.is_due(0.0, ENOUGH)


def test_records_that_were_declared_and_are_gone_are_passed_over() -> None:
    owned = Owned(Declared(0, 9, 100, (4,)), 0.0)
    owned.offer(records(20, 5), 0.0)
    taken = owned.take(50_000, wall_ms=999)

    assert taken is not None
    assert taken.doubt is None
    assert [list(piece.offsets) for piece in taken.pieces] == [[20, 21, 22, 23, 24]]


def test_a_batch_waits_until_it_is_old_or_large_or_in_many_parts() -> None:
    def due(now: float, *counts: int) -> bool:
        owned = Owned(None, 0.0)
        grown(owned, *counts)
        assert owned.batch is not None
        return owned.batch.is_due(now, ENOUGH)

    assert not due(9.0, 5, 5)
    assert due(10.0, 5, 5)
    assert due(9.0, 5, ENOUGH)
    assert due(9.0, *[1] * MOST_PARTS)


def test_what_is_not_declared_is_not_inserted_however_old() -> None:
    owned = Owned(None, 0.0)
    grown(owned, 5)
    owned.offer(records(5, 5), 0.0)
    batch = owned.add(part(owned.take(50_000, wall_ms=200)), due=10.0)

    assert not batch.is_due(99.0, ENOUGH)


def test_a_batch_whose_insert_has_begun_grows_no_more() -> None:
    owned = Owned(None, 0.0)
    grown(owned, 5)
    first = owned.batch
    assert first is not None
    first.closed = True
    owned.offer(records(5, 5), 0.0)
    taken = owned.take(50_000, wall_ms=200)

    assert taken is not None
    assert taken.wall_ms == 200
    owned.inserted(first)
    assert owned.stored == 5
    assert owned.add(part(taken), due=10.0).extent == Declared(5, 9, 200)
    assert owned.stored is None, "the declaration has acknowledged it"


def test_a_batch_takes_no_more_than_its_limit() -> None:
    owned = Owned(None, 0.0)
    grown(owned, 5)
    owned.offer(records(5, 20), 0.0)
    taken = owned.take(12, wall_ms=200)

    assert taken is not None
    assert [list(piece.offsets) for piece in taken.pieces] == [list(range(5, 12))]


def test_the_longest_declaration_fits_into_kafkas_metadata() -> None:
    longest = 2**63 - 1
    assert len(Declared(0, longest, 10**13, (longest,) * (MOST_PARTS - 1)).metadata()) < 4096


def test_a_partition_is_idle_once_it_was_read_to_its_end_and_the_broker_has_been_saying_so_for_a_while() -> None:
    owned = Owned(None, 0.0)
    at_end = Position(10, 10, age=0.25)

    assert not owned.is_found_idle(at_end, now=0.5, quiet=1.0)
    assert not owned.is_found_idle(at_end, now=1.0, quiet=1.0), "at 0.75 it was not quiet for so long yet"
    assert owned.is_found_idle(at_end, now=1.25, quiet=1.0)
    assert not owned.is_found_idle(Position(10, 11, age=0.25), now=1.25, quiet=1.0)
    assert not owned.is_found_idle(Position(10, 10, age=1.0), now=9.0, quiet=1.0), "who does not ask cannot know"

    owned.offer(records(10, 1), 1.0)
    for _ in range(2):
        assert not owned.is_found_idle(Position(11, 11, age=0.0), now=9.0, quiet=1.0), "it is not folded yet"


def test_a_partition_of_which_something_was_taken_since_the_look_before_is_not_idle_whatever_has_come_by_then() -> None:
    owned = Owned(None, 0.0)
    owned.is_found_idle(Position(10, 20, age=0.0), now=8.0, quiet=1.0)

    assert not owned.is_found_idle(Position(20, 20, age=0.0), now=9.0, quiet=1.0), "it is on its way"
    assert owned.is_found_idle(Position(20, 20, age=0.0), now=9.3, quiet=1.0)


def test_a_partition_in_doubt_is_not_idle() -> None:
    owned = Owned(Declared(0, 9, 100), 0.0)
    for _ in range(2):
        assert not owned.is_found_idle(Position(10, 10, age=0.0), now=9.0, quiet=1.0)
