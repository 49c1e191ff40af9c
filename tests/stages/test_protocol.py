"""What is committed before a batch is written, and how a successor cuts it again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.batch import Partition, RecordBatch
from streams.stages.protocol import Declared, declared, join, split, token

HERE = Partition("metrics", 3)


def batch(first: int, count: int) -> RecordBatch:
    offsets = range(first, first + count)
    return RecordBatch(HERE, offsets, [b"%d" % at for at in offsets], None, list(offsets), first + count)


def test_a_declaration_survives_the_broker() -> None:
    assert declared(7, Declared(7, 41, 1_700_000_000_123).metadata()) == Declared(7, 41, 1_700_000_000_123)


def test_a_declaration_that_has_grown_says_where_each_part_ends() -> None:
    grown = Declared(7, 41, 1_700_000_000_123).grown(50).grown(66)

    assert grown.cuts() == (41, 50, 66)
    assert declared(7, grown.metadata()) == grown


def test_what_the_version_before_declared_is_understood() -> None:
    assert declared(7, "1,41,1700000000123") == Declared(7, 41, 1_700_000_000_123)


def test_empty_metadata_declares_nothing() -> None:
    assert declared(7, "") is None


def test_metadata_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version of Tidewatch"):
        declared(7, "9,1,2")


def test_a_token_names_everything_that_makes_a_batch_what_it_is() -> None:
    assert token("tidewatch", "c1", HERE, 10, 19, "raw_metrics") == "tidewatch/c1/metrics/3/10-19/raw_metrics"


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6), st.integers(1, 100))
def test_joining_and_splitting_lose_nothing(sizes: list[int], count: int) -> None:
    parts, at = [], 7
    for size in sizes:
        parts.append(batch(at, size))
        at += size

    first, rest = split(join(parts), count)

    offsets = [*first.offsets, *(rest.offsets if rest else [])]
    values = [*first.values, *(rest.values if rest else [])]
    assert offsets == list(range(7, at))
    assert values == [b"%d" % offset for offset in offsets]
    assert len(first.values) == min(count, at - 7)
    assert (rest or first).next_offset == at
    assert rest is None or first.next_offset == rest.offsets[0]


def test_gaps_between_batches_stay_gaps() -> None:
    joined = join([batch(0, 2), batch(5, 2)])

    assert list(joined.offsets) == [0, 1, 5, 6]
